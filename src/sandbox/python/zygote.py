"""The zygote's start: loads what candidates find loaded, and lays out this process's memory so that a fork of it is cheap.

A fork copies an entry for every page of memory in use, its end gives each back, and the first write to a page on either side copies
the page or at least takes a fault: that is most of what an execution takes. So what only the start needs never enters this process
(scripts are compiled in another), what every execution touches lies in few pages, and what none touches in pages as large as there
are. What the zygote then does, and all of its duties, stand in supervisor.py.
"""

import marshal
import os
import sys
import types

_SCRIPTS = os.path.dirname(os.path.abspath(__file__))
# In this order, as each imports only what stands before it.
_OWN = ("wire", "blocked", "link", "comparisons", "describer", "source", "candidate", "forks", "supervisor")

# As much of Python's own memory as is asked for in one piece: more than is needed, so that most of it fills whole large pages.
_RESERVED_BYTES = 7 << 20
# Python asks for it in pieces of this size up to 3.9, and in multiples of it later.
_ARENA_BYTES = 256 << 10
_POOL_BYTES = 4096 if sys.version_info < (3, 10) else 16384
_POOL_HEAD_BYTES = 48
# What is allocated to stay, so that nothing else comes to lie there.
_FILLERS = []
# Of each size; some hundred are usual.
_FILLERS_MOST = 2000
# Sizes of the C library's memory, whose holes may have any.
_CHUNKS = (65536, 32768, 16384, 8192, 4096, 2048, 1024, 768, 640, 528, 400, 256, 128, 64, 24)

_PAGE_BYTES = 4096
_LARGE_PAGE_BYTES = 2 << 20
# From Linux 6.1 on, whatever the system's setting for large pages is. Elsewhere it is refused, and forks take longer.
_MADV_COLLAPSE = 25
_MADV_HUGEPAGE = 14
# Of mallopt(3).
_M_TOP_PAD = -2
# Of mmap(2), mprotect(2) and mremap(2).
_READ, _WRITE, _EXECUTE = 1, 2, 4
_MOVE_TO = 1 | 2
# Of an ELF file: the kind of segment that is loaded, the flag of one that is written to.
_PT_LOAD = 1
_PF_W = 2


def main():
    # The program's own folder must not be what `import` sees.
    sys.path.pop(0)
    compiler, codes = _compile_apart()
    _reserve()
    # What modules want done in every fork costs more than the fork itself: random seeds itself anew, threading makes new locks
    # and looks through its threads. Here `random` is seeded for each execution, and there is one thread, which holds no lock.
    register_at_fork = os.register_at_fork
    os.register_at_fork = lambda **hooks: None
    _load("warm", codes).load()
    _fill()
    for name in _OWN:
        supervisor = _load(name, codes)
    os.register_at_fork = register_at_fork
    codes.close()
    os.waitpid(compiler, 0)
    serve, join_files = supervisor.prepare()
    join_files()
    _join_code_if_that_works()
    # Last, as that one forks.
    join_pages = _pages_joined()
    join_pages()
    serve(join_pages)


def _compile_apart():
    """Compiles the scripts in a process of its own. Returns its id and a file of their code, in order."""
    reading, writing = os.pipe()
    compiler = os.fork()
    if compiler != 0:
        os.close(writing)
        return compiler, open(reading, "rb")
    try:
        # Otherwise it would wait for itself where the zygote has ended.
        os.close(reading)
        with open(writing, "wb") as codes:
            for name in ("warm",) + _OWN:
                path = os.path.join(_SCRIPTS, name + ".py")
                with open(path, "rb") as script:
                    marshal.dump(compile(script.read(), path, "exec", 0, True), codes)
        os._exit(0)
    except BrokenPipeError:
        pass  # so it has
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(70)


def _load(name, codes):
    try:
        code = marshal.load(codes)
    except EOFError:
        raise SystemExit("zygote.py: %s.py cannot be compiled" % name) from None
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
    return module


def _reserve():
    """Has Python ask the system for memory now, before libraries come to lie between its pieces, and keeps it from giving that back."""
    objects = [bytes(400)]
    highest = lowest = id(objects[0])
    one_of_each = {}
    while highest - lowest < _RESERVED_BYTES:
        objects.append(bytes(400))
        place = id(objects[-1])
        highest = max(highest, place)
        lowest = min(lowest, place)
        one_of_each[place // _ARENA_BYTES] = objects[-1]
    _FILLERS.extend(one_of_each.values())


def _fill():
    """Fills the holes of the memory that is in use, for good.

    What is made from now on, here or in a candidate, lies side by side in pages of its own, not in many that have to be copied each.
    """
    import ctypes

    library = ctypes.CDLL(None)
    # Every page that lies about costs each fork time.
    trim = getattr(library, "malloc_trim", None)
    if trim is not None:
        trim(0)
    _fill_pools()
    _fill_chunks(library)


def _fill_pools():
    """Python's own memory: pools for objects of one size each, of which many are half empty."""
    for size in range(16, 513, 16):
        last = 0
        for count in range(_FILLERS_MOST):
            # An empty bytes object takes 33 bytes.
            filler = object() if size == 16 else complex(count, 1) if size == 32 else bytes(size - 33)
            _FILLERS.append(filler)
            # A pool that was empty gives its places in order: all others are full.
            if last % _POOL_BYTES == _POOL_HEAD_BYTES and id(filler) == last + size:
                break
            last = id(filler)


def _fill_chunks(library):
    """The C library's memory: what lies free between other memory, of all sizes."""
    _give_signatures(library)
    # As large as the heap still serves itself: it stands behind all holes.
    behind = library.malloc(120000)
    for size in _CHUNKS:
        for _ in range(_FILLERS_MOST):
            chunk = library.malloc(size)
            if chunk is None or chunk > behind:
                library.free(chunk)
                break
    library.free(behind)


def _pages_joined():
    """Returns what joins the pages of this process's memory into large ones where they fill them.

    One entry instead of 512 is copied by a fork. In the candidate a large page that is written to falls into small ones, of which it copies
    the one in question. In the zygote it stays whole, and costs one fault, unless it is written to while a candidate lives.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if getattr(library, "mallopt", None) is None:
        return lambda: None  # another C library than GNU's
    _give_signatures(library)
    top = library.sbrk(0)
    missing = -top % _LARGE_PAGE_BYTES
    if missing < _LARGE_PAGE_BYTES // 2:
        # The heap fills most of its last one.
        library.mallopt(_M_TOP_PAD, missing + (512 << 10))
        for chunk in [library.malloc(100000) for _ in range(3)]:
            library.free(chunk)
        top = library.sbrk(0)
    places = {id(something) // _LARGE_PAGE_BYTES for something in _FILLERS}
    places.update(top // _LARGE_PAGE_BYTES - back for back in range(3))

    def join():
        for place in places:
            # Refused where not all of it is memory of this kind.
            library.madvise(place * _LARGE_PAGE_BYTES, _LARGE_PAGE_BYTES, _MADV_COLLAPSE)

    return join


def _join_code_if_that_works():
    """Tries it in a process of its own first: how an interpreter's file is laid out in memory is a matter of who linked it and who
    rewrote it since, and a mistake there would end this process."""
    trial = os.fork()
    if trial == 0:
        try:
            _join_code()
        except Exception:
            os._exit(1)
        os._exit(0)
    if os.waitpid(trial, 0)[1] == 0:
        _join_code()


def _join_code():
    """Puts the interpreter's code and constants into large pages, as far as they fill any, in the place where they stand.

    A fork does not copy the entries of pages that belong to a file: each candidate meets them again, some hundred faults and pages
    given back at its end. The large pages hold the same bytes, at the same addresses, and are as little to be written to; constants can
    be executed there, which is no more than a candidate can do with any memory.

    On x86-64 only: elsewhere code that was copied is not to be executed before caches know, and pages may have other sizes.
    """
    if os.uname().machine != "x86_64":
        return
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, "mremap", None) is None or getattr(library, "dladdr", None) is None:
        return
    _give_signatures(library)
    for start, end in _fixed_parts(library):
        for place in range(start + -start % _LARGE_PAGE_BYTES, end - _LARGE_PAGE_BYTES + 1, _LARGE_PAGE_BYTES):
            if not _move_into_large_page(library, place):
                return


def _move_into_large_page(library, place):
    """Replaces the large page's worth of memory at `place` by a copy. False, and all as it was, where the system gives no large page."""
    import ctypes
    import mmap

    room = library.mmap(None, 2 * _LARGE_PAGE_BYTES, _READ | _WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if room in (None, ctypes.c_void_p(-1).value):
        return False
    copy = room + -room % _LARGE_PAGE_BYTES
    library.madvise(copy, _LARGE_PAGE_BYTES, _MADV_HUGEPAGE)
    ctypes.memmove(copy, place, _LARGE_PAGE_BYTES)
    # Small pages would be worse than those of the file. Collapsing what is one already succeeds.
    if (
        library.madvise(copy, _LARGE_PAGE_BYTES, _MADV_COLLAPSE) == 0
        and library.mprotect(copy, _LARGE_PAGE_BYTES, _READ | _EXECUTE) == 0
        # In one step: the code that runs here is among what is replaced.
        and library.mremap(copy, _LARGE_PAGE_BYTES, _LARGE_PAGE_BYTES, _MOVE_TO, place) == place
    ):
        library.munmap(room, copy - room)
        library.munmap(copy + _LARGE_PAGE_BYTES, room + _LARGE_PAGE_BYTES - copy)
        return True
    library.munmap(room, 2 * _LARGE_PAGE_BYTES)
    return False


def _fixed_parts(library):
    """[(start, end)] of what the interpreter's file, be it a library or a program, has in memory side by side and never writes to."""
    import ctypes
    import struct

    class Found(ctypes.Structure):
        _fields_ = [("file", ctypes.c_char_p), ("base", ctypes.c_void_p), ("symbol", ctypes.c_char_p), ("address", ctypes.c_void_p)]

    found = Found()
    if library.dladdr(ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p), ctypes.byref(found)) == 0:
        return []
    head = ctypes.string_at(found.base, 64)
    if head[:6] != b"\x7fELF\x02\x01":
        return []  # not of 64 bits
    (table,) = struct.unpack_from("<Q", head, 32)
    size, count = struct.unpack_from("<HH", head, 54)
    base = None
    parts = []
    for number in range(count):
        segment = ctypes.string_at(found.base + table + number * size, 56)
        what, flags, _, address, _, length = struct.unpack_from("<IIQQQQ", segment)
        if what != _PT_LOAD:
            continue
        if base is None:  # of addresses: what the first one lies behind its own
            base = found.base - address // _PAGE_BYTES * _PAGE_BYTES
        if flags & _PF_W:
            continue
        start = (base + address) // _PAGE_BYTES * _PAGE_BYTES
        end = base + address + length
        end += -end % _PAGE_BYTES
        if parts and parts[-1][1] == start:
            start = parts.pop()[0]
        parts.append((start, end))
    return parts


def _give_signatures(library):
    from ctypes import c_int, c_size_t, c_ssize_t, c_void_p

    library.mmap.restype = c_void_p
    library.mmap.argtypes = [c_void_p, c_size_t, c_int, c_int, c_int, c_ssize_t]
    library.munmap.argtypes = [c_void_p, c_size_t]
    library.mprotect.argtypes = [c_void_p, c_size_t, c_int]

    library.malloc.restype = c_void_p
    library.malloc.argtypes = [c_size_t]
    library.free.argtypes = [c_void_p]
    library.sbrk.restype = c_size_t
    library.sbrk.argtypes = [c_ssize_t]
    library.madvise.argtypes = [c_size_t, c_size_t, c_int]
    library.mremap.restype = c_void_p
    library.mremap.argtypes = [c_void_p, c_size_t, c_size_t, c_int, c_void_p]
    library.dladdr.argtypes = [c_void_p, c_void_p]


main()
