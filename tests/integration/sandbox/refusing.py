"""Executes a command under a kernel that lacks something: refusing.py WHAT[,WHAT]... COMMAND [ARGUMENT]...

A system-call filter answers as such a kernel does, so that the command takes the way that it takes there:
  namespaces   no new namespaces and no mounts (EPERM), as under the usual filters of containers
  landlock     no Landlock (EOPNOTSUPP), as where it is switched off
  addresses    no choice about address randomisation (EPERM), as under the usual filters of containers
  seccomp      no filters (EINVAL), as without CONFIG_SECCOMP_FILTER
  own_path     no looking where a symbolic link leads (EACCES), as where nobody may look at /proc/self/exe
  collapse     no joining of pages into large ones (EINVAL), as before Linux 6.1
"""

import ctypes
import errno
import os
import platform
import struct
import sys

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT, THIRD_ARGUMENT = 0, 16, 32
ALLOW, ERROR = 0x7FFF0000, 0x00050000
CALLS = {
    "x86_64": {"unshare": 272, "mount": 165, "personality": 135, "prctl": 157, "seccomp": 317, "madvise": 28, "readlink": 89},
    "aarch64": {"unshare": 97, "mount": 40, "personality": 92, "prctl": 167, "seccomp": 277, "madvise": 233, "readlink": 78},
}[platform.machine()]
SET_SECCOMP, NO_NEW_PRIVILEGES, MODE_FILTER = 22, 38, 2
COLLAPSE = 25


def statement(code, value, yes=0, no=0):
    return struct.pack("<HBBI", code, yes, no, value)


def refuse(number, error):
    return [statement(LOAD, NUMBER), statement(EQUAL, number, 0, 1), statement(RETURN, ERROR | error)]


def refuse_where(number, argument, value, error):
    return [
        statement(LOAD, NUMBER),
        statement(EQUAL, number, 0, 3),
        statement(LOAD, argument),
        statement(EQUAL, value, 0, 1),
        statement(RETURN, ERROR | error),
    ]


FILTERS = {
    "namespaces": refuse(CALLS["unshare"], errno.EPERM) + refuse(CALLS["mount"], errno.EPERM),
    "addresses": refuse(CALLS["personality"], errno.EPERM),
    "landlock": refuse(444, errno.EOPNOTSUPP),
    "seccomp": refuse(CALLS["seccomp"], errno.ENOSYS)
    + refuse_where(CALLS["prctl"], FIRST_ARGUMENT, SET_SECCOMP, errno.EINVAL),
    "own_path": refuse(CALLS["readlink"], errno.EACCES),
    "collapse": refuse_where(CALLS["madvise"], THIRD_ARGUMENT, COLLAPSE, errno.EINVAL),
}

code = b"".join([part for what in sys.argv[1].split(",") for part in FILTERS[what]] + [statement(RETURN, ALLOW)])
buffer = ctypes.create_string_buffer(code, len(code))
program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
if os.geteuid() != 0 and libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "prctl")
if libc.prctl(SET_SECCOMP, MODE_FILTER, program, 0, 0) != 0:
    raise OSError(ctypes.get_errno(), "prctl")
os.execv(sys.argv[2], sys.argv[2:])
