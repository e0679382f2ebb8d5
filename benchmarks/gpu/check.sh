#!/usr/bin/env bash
# Checks and measures the CUDA backend on a machine with an NVIDIA GPU, stage by stage. Needs bash, CMake, nvcc, and
# python3 with PyTorch and transformers; no Node, no network. README.md beside this file says what the stages do.
#
#   benchmarks/gpu/check.sh [--build-dir DIR] [--stage NAME]... [--from NAME] [--force] [--arch ARCH] [--budget SECONDS]
#
# Not a part of `npm test`, and no substitute for it: without a GPU the kernels are tested under the emulator.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
script=$root/benchmarks/gpu/check.sh
stages=(build tests sanitize parity identity bench report)

# Seconds that a stage may take. Their sum is more than the budget: no run is expected to need every limit, and what the
# budget cuts off is done by the next run.
limit_of() {
  case $1 in
    build) echo 260 ;;
    tests) echo 100 ;;
    sanitize) echo 130 ;;
    parity) echo 100 ;;
    identity) echo 60 ;;
    bench) echo 200 ;;
    report) echo 20 ;;
  esac
}

# Seconds for everything: the promise is 8 minutes.
budget=470
# Left for the report and for stopping what runs.
reserve=8
# A test under a sanitizer, and a native test program on its own.
sanitized_limit=60
test_limit=90

help() {
  cat <<END
usage: check.sh [options]

Stages, in this order: ${stages[*]}
A stage that passed is skipped the next time, unless its sources or the device changed.

  --stage NAME       run this stage alone (may be given again); what it needs must have passed before
  --from NAME        run this stage and those after it
  --force            run stages again although they passed
  --build-dir DIR    build here, or use what is built here (default: build/gpu)
  --arch ARCH        CMAKE_CUDA_ARCHITECTURES (default: native); a build for a named architecture, e.g. 90, can be made
                     without a GPU and used on another machine
  --budget SECONDS   time for everything (default: $budget)
  --list             stages and whether they have passed
  --help             this text

Results: gpu-check.json and gpu-check.md, in \$OUT when that is set, else in DIR/gpu-check beside logs and stamps.
Exit code 0 when every stage asked for passed. The last line is "N passed, N failed".
END
}

say() { printf '[%4d s] %s\n' "$((SECONDS + ${FAULTLINE_CHECK_ELAPSED:-0}))" "$*"; }
refuse() {
  printf 'check.sh: %s\n' "$*" >&2
  exit 2
}

is_stage() {
  local stage
  for stage in "${stages[@]}"; do [[ $stage == "$1" ]] && return 0; done
  return 1
}

# --- what a stage depends on ---

# Hash of the sources that a stage's result depends on, names included; relative paths: it holds in every checkout.
hash_of() {
  local inputs=(CMakeLists.txt native tests/native) extra=()
  case $1 in
    parity) extra=(common.py parity.py) ;;
    identity) extra=(common.py identity.py) ;;
    bench) extra=(common.py bench.py peers.py roofline.py tuned_loop.py) ;;
  esac
  {
    cd "$root" || exit 1
    find "${inputs[@]}" -type f -not -path '*/node_modules/*' -print0
    find benchmarks/gpu -maxdepth 1 -type f \( -name CMakeLists.txt -o -name '*.cc' -o -name '*.h' \) -print0
    if ((${#extra[@]})); then printf 'benchmarks/gpu/%s\0' "${extra[@]}"; fi
  } | LC_ALL=C sort -z | (cd "$root" && xargs -0 sha256sum) | sha256sum | cut -c1-16
}

# The device that the stamp of a stage names: a build for a named architecture is good on any.
stamp_device() {
  if [[ $1 == build && $arch != native ]]; then echo "any with $arch"; else echo "$device"; fi
}

# Has this stage passed, for these sources and this device?
has_passed() {
  local stamp=$state/$1.stamp hash where
  [[ -f $stamp ]] || return 1
  { read -r hash && read -r where; } <"$stamp" || return 1
  [[ $hash == "$(hash_of "$1")" ]] || return 1
  [[ $where == "$device" || ($1 == build && $where == 'any with '*) ]]
}

find_device() {
  local facts
  facts=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
  if [[ -n $facts ]]; then
    device=${facts%%,*}
    driver=${facts##*, }
  else
    device=none
    driver=none
  fi
}

# --- the stages; each runs in a process of its own, under `timeout`, with errors fatal ---

stage_build() {
  local options=(
    -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DFAULTLINE_NODE=OFF -DFAULTLINE_TESTS=ON
    -DFAULTLINE_BENCHMARKS=ON -DFAULTLINE_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=$arch"
  )
  # A cache from another place refuses to be used, and one from another generator too.
  local cache=$build/CMakeCache.txt
  if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
    say "the cache in $build is of another checkout: starting anew"
    rm -rf "$cache" "$build/CMakeFiles"
  fi
  if [[ ! -f $cache ]] && command -v ninja >/dev/null; then options+=(-G Ninja); fi
  cmake "${options[@]}"
  say 'configured'
  cmake --build "$build" --parallel "$jobs"
  [[ -n $(find_library) ]] || {
    echo "libfaultline_cuda.so was not built in $build"
    return 1
  }
}

find_library() { find "$build" -name libfaultline_cuda.so \( -type f -o -type l \) -print -quit; }

# Runs one test program: its log in a file, one line for the table.
run_test_program() {
  local program=$1 name log code=0 started=$SECONDS
  name=$(basename "$program")
  log=$state/tests-$name.log
  timeout --foreground -k 5 "$test_limit" "$program" >"$log" 2>&1 || code=$?
  printf '%s\t%d\t%s\n' "$name" "$code" "$(tail -n 1 "$log")" >>"$state/tests.tsv"
  say "$name: $(tail -n 1 "$log") ($((SECONDS - started)) s)"
  if ((code)); then
    echo "$name ended with $code:"
    grep -B 12 -E '^FAIL' "$log" || tail -n 20 "$log"
    return 1
  fi
}

stage_tests() {
  local programs
  mapfile -d '' -t programs < <(
    find "$build/tests/native" -name 'faultline_*_test' -type f -perm -u+x -print0 | sort -z
  )
  ((${#programs[@]})) || {
    echo "no test programs in $build/tests/native"
    return 1
  }
  : >"$state/tests.tsv"
  # Half the cores: some tests count on threads of their own.
  printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$(((jobs + 1) / 2))" bash "$script" --inner run_test_program
}

# Runs one device test under one of the sanitizer's tools; remembers a clean result for the next run.
run_sanitized() {
  local tool=$1 name=$2 code=0 log started=$SECONDS program
  log=$state/sanitize-$tool-$name.log
  program=$build/tests/native/faultline_device_test
  timeout --foreground -k 5 "$sanitized_limit" compute-sanitizer --tool "$tool" --error-exitcode 99 "$program" "$name" \
    >"$log" 2>&1 || code=$?
  if grep -qiE 'device not supported|not supported on this (device|system|platform)' "$log"; then
    : >"$state/sanitize.unsupported"
    say "$tool $name: the sanitizer does not support this device"
    return 0
  fi
  # The tool's own summary counts, not only the exit code: a run that never reached the device has none.
  if ((code == 0)) && ! grep -qE '(ERROR|RACECHECK) SUMMARY: 0 ' "$log"; then code=98; fi
  printf '%s\t%s\t%d\t%d\n' "$tool" "$name" "$code" "$((SECONDS - started))" >>"$state/sanitize.tsv"
  case $code in
    0) rm -f "$log" ;;
    124 | 137) say "$tool $name: not finished in $sanitized_limit s" ;;
    *)
      say "$tool $name: failed with $code"
      grep -E '^=========|^FAIL' "$log" | head -n 25
      ;;
  esac
  ((code == 0))
}

stage_sanitize() {
  command -v compute-sanitizer >/dev/null || {
    echo 'compute-sanitizer is not installed'
    return 77
  }
  local tool name names done_key work=()
  # The kernel tests are those of the device operations: not the emulator's, and not the whole session's. A test's name
  # is a filter of the program, so that each can run on its own: many at a time, and those that are done need not run
  # again.
  mapfile -t names < <(
    find "$root/tests/native" -maxdepth 1 -name 'device_*_test.cc' -not -name device_simt_test.cc \
      -not -name device_session_test.cc -exec grep -hoE '^TEST\([A-Za-z0-9_]+' {} + | cut -c6- | sort -u
  )
  ((${#names[@]})) || {
    echo 'no kernel tests in tests/native'
    return 1
  }
  done_key=$(hash_of sanitize)-$device
  if [[ $force == 1 || ! -f $state/sanitize.key || $(<"$state/sanitize.key") != "$done_key" ]]; then
    rm -f "$state"/sanitize.tsv "$state"/sanitize-*.log
    printf '%s' "$done_key" >"$state/sanitize.key"
  fi
  rm -f "$state/sanitize.unsupported"
  touch "$state/sanitize.tsv"
  # Only clean results stay: whatever failed or ran out of time is tried again.
  awk -F '\t' '$3 == 0' "$state/sanitize.tsv" >"$state/sanitize.clean"
  mv "$state/sanitize.clean" "$state/sanitize.tsv"
  for tool in memcheck racecheck; do
    for name in "${names[@]}"; do
      grep -qP "^$tool\t$name\t" "$state/sanitize.tsv" || work+=("$tool" "$name")
    done
  done
  say "$((${#work[@]} / 2)) of $((2 * ${#names[@]})) runs to do"
  ((${#work[@]})) || return 0
  local code=0
  printf '%s\0' "${work[@]}" | xargs -0 -n 2 -P "$jobs" bash "$script" --inner run_sanitized || code=$?
  if [[ -f $state/sanitize.unsupported ]]; then return 77; fi
  say "$(awk -F '\t' '$3 == 0' "$state/sanitize.tsv" | wc -l) of $((2 * ${#names[@]})) runs are clean"
  return "$code"
}

# The Python stages write their result to $state/<stage>.json as they go.
python_stage() {
  HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    python3 "$root/benchmarks/gpu/$1.py" --build "$build" --state "$state" "${@:2}"
}
stage_parity() { python_stage parity; }
stage_identity() { python_stage identity; }
stage_bench() { python_stage bench --limit "$limit"; }
stage_report() { write_report; }

write_report() {
  local stage hashes=()
  for stage in "${stages[@]}"; do hashes+=("$stage=$(hash_of "$stage")"); done
  PYTHONDONTWRITEBYTECODE=1 python3 "$root/benchmarks/gpu/report.py" --root "$root" --state "$state" --out "$out" \
    --device "$device" --driver "$driver" "${hashes[@]}"
}

# --- running them ---

# What came of a stage. That it was not run hides nothing that is known from before.
record() {  # stage, status, seconds
  [[ $2 != 'not run' || ! -f $state/$1.status.json ]] || return 0
  printf '{"stage": "%s", "status": "%s", "seconds": %d, "device": "%s", "hash": "%s", "finished": "%s"}\n' \
    "$1" "$2" "$3" "${device//\"/}" "$(hash_of "$1")" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$state/$1.status.json"
}

run_stage() {
  local stage=$1 limit left code status
  local started=$SECONDS
  if [[ $force == 0 && $stage != report ]] && has_passed "$stage"; then
    say "$stage: has passed for these sources on this device"
    return 0
  fi
  if [[ $stage != report && $stage != build ]]; then
    if ! has_passed build; then
      say "$stage: not run: it needs stage build, which has not passed for these sources and device (--stage build)"
      record "$stage" 'not run' 0
      return 1
    fi
    if [[ $device == none ]]; then
      say "$stage: not run: nvidia-smi shows no GPU"
      record "$stage" 'not run' 0
      return 1
    fi
  fi
  if [[ $stage == build && $arch == native && $device == none ]]; then
    say "build: not run: without a GPU, name an architecture (--arch 90)"
    record build 'not run' 0
    return 1
  fi
  limit=$(limit_of "$stage")
  left=$((budget - SECONDS - reserve))
  if [[ $stage != report ]] && ((left < limit)); then limit=$left; fi
  if ((limit < 10)); then
    say "$stage: not run: the time budget of $budget s is spent; run again to go on"
    record "$stage" 'not run' 0
    return 1
  fi

  say "$stage: starts, at most $limit s"
  [[ $stage == report ]] || rm -f "$state/$stage.stamp" "$state/$stage.status.json"
  # These are what an older run left; tests and sanitize look after their own.
  rm -f "$state/$stage.json"
  export root state build out device driver arch jobs force limit
  FAULTLINE_CHECK_ELAPSED=$SECONDS timeout -k 5 "$limit" bash "$script" --inner stage "$stage" 2>&1 |
    tee "$state/$stage.log"
  code=${PIPESTATUS[0]}
  case $code in
    0) status=passed ;;
    77) status=skipped ;;
    124 | 137) status='timed out' ;;
    *) status=failed ;;
  esac
  rm -rf "$state/models"  # gigabytes, and made anew in seconds
  record "$stage" "$status" "$((SECONDS - started))"
  say "$stage: $status after $((SECONDS - started)) s"
  if [[ $status == passed && $stage != report ]]; then
    printf '%s\n%s\n' "$(hash_of "$stage")" "$(stamp_device "$stage")" >"$state/$stage.stamp"
    [[ $out == "$state" ]] || rm -f "$out/$stage.log"
  elif [[ $out != "$state" && $stage != report ]]; then
    cp "$state/$stage.log" "$out/$stage.log"
  fi
  # After every stage: whoever stops this script half way still finds what it came to.
  [[ $stage == report ]] || write_report >/dev/null || say 'the report could not be written'
  case $code in 0) return 0 ;; 77) return 77 ;; *) return 1 ;; esac
}

if [[ ${1:-} == --inner ]]; then
  # One function in a process of its own; the variables come from the environment.
  set -e
  what=$2
  shift 2
  if [[ $what == stage ]]; then what=stage_$1; shift; fi
  export FAULTLINE_CUDA_LIBRARY
  FAULTLINE_CUDA_LIBRARY=$(find_library)
  "$what" "$@"
  exit
fi

build=$root/build/gpu
arch=native
force=0
list=0
wanted=()
from=
while (($#)); do
  case $1 in
    --stage | --from | --build-dir | --arch | --budget)
      (($# > 1)) || refuse "$1 needs a value"
      case $1 in
        --stage) is_stage "$2" || refuse "no stage $2; there are: ${stages[*]}"; wanted+=("$2") ;;
        --from) is_stage "$2" || refuse "no stage $2; there are: ${stages[*]}"; from=$2 ;;
        --build-dir) build=$2 ;;
        --arch) arch=$2 ;;
        --budget) [[ $2 =~ ^[0-9]+$ ]] || refuse '--budget needs whole seconds'; budget=$2 ;;
      esac
      shift
      ;;
    --force) force=1 ;;
    --list) list=1 ;;
    --help | -h) help; exit 0 ;;
    *) refuse "unknown option $1 (--help)" ;;
  esac
  shift
done
[[ ${#wanted[@]} -eq 0 || -z $from ]] || refuse '--stage and --from exclude each other'

mkdir -p "$build" || exit 2
build=$(cd "$build" && pwd)
state=$build/gpu-check
out=${OUT:-$state}
mkdir -p "$state" "$out" || exit 2
jobs=$(nproc)
find_device

if ((list)); then
  for stage in "${stages[@]}"; do
    if [[ $stage == report ]]; then echo 'report: runs every time'
    elif has_passed "$stage"; then echo "$stage: passed"
    else echo "$stage: to do"; fi
  done
  exit 0
fi

if [[ -n $from ]]; then
  for stage in "${stages[@]}"; do
    [[ $stage == "$from" || ${#wanted[@]} -gt 0 ]] && wanted+=("$stage")
  done
elif ((${#wanted[@]} == 0)); then
  wanted=("${stages[@]}")
fi

say "device: $device, driver $driver; build folder: $build; results: $out"
passed=0 failed=0 skipped=0
for stage in "${wanted[@]}"; do
  run_stage "$stage"
  case $? in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
done
[[ " ${wanted[*]} " == *' report '* ]] || write_report >/dev/null || say 'the report could not be written'
if ((skipped)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
((failed == 0))
