# Compile flags per instruction set, by file name: native/ops/cpu/<kernel>_<isa>.cc. Only these files are built with them, and
# they share no inline function with the rest of the program; see README.md here for why that matters.
set(FAULTLINE_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(FAULTLINE_ISA_FLAGS_avxvnni ${FAULTLINE_ISA_FLAGS_avx2} -mavxvnni)
set(FAULTLINE_ISA_FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12's own avx512fintrin.h trips these two warnings wherever an intrinsic leaves a register undefined (GCC bug 105593).
  list(APPEND FAULTLINE_ISA_FLAGS_avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set(FAULTLINE_ISA_FLAGS_avx512vnni ${FAULTLINE_ISA_FLAGS_avx512} -mavx512vnni)
set(FAULTLINE_ISA_FLAGS_avx512bf16 ${FAULTLINE_ISA_FLAGS_avx512} -mavx512bf16)
# The tiles' instructions stand in the source as assembler, which needs no flag.
set(FAULTLINE_ISA_FLAGS_amx ${FAULTLINE_ISA_FLAGS_avx512})

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  foreach(isa avx2 avxvnni avx512 avx512vnni avx512bf16 amx)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_${isa}.cc)
    set_source_files_properties(${sources} TARGET_DIRECTORY faultline_ops PROPERTIES COMPILE_OPTIONS
                                "${FAULTLINE_ISA_FLAGS_${isa}}")
  endforeach()
endif()
