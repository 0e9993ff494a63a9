"""System calls that a reader of foreign files may not make, as a filter of Linux (seccomp).

A fault in a parser may let a file run what it likes in the reader's process. The filter denies what
would reach beyond it: connections, signals to and memory of others, and whatever changes a file or
a folder. It holds for all threads and for what they start, and cannot be taken back. A filter of
Berkeley's instructions is a table of numbers, so no library is needed to make one.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator

__all__ = ["deny_system_calls"]

_NO_NEW_PRIVILEGES, _SET_FILTER, _ALL_THREADS = 38, 1, 1
_ALLOW, _DENY = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC if sys.platform == "linux" else 0

_MACHINES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}
"""Machine to its AUDIT_ARCH and the number of the call `seccomp`."""
_FIRST_OF_X32 = 0x40000000
"""From here on x86_64 counts the same calls once more, for the x32 ABI."""
_DENIED = {  # number on x86_64 and on aarch64, of asm/unistd.h; 0 where there is no such call
    "socket": (41, 198),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "pidfd_send_signal": (424, 424),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "bpf": (321, 280), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "openat2": (437, 437), "creat": (85, 0), "truncate": (76, 45), "ftruncate": (77, 46),
    "fallocate": (285, 47), "rename": (82, 0), "renameat": (264, 38), "renameat2": (316, 276),
    "mkdir": (83, 0), "mkdirat": (258, 34), "rmdir": (84, 0), "unlink": (87, 0),
    "unlinkat": (263, 35), "link": (86, 0), "linkat": (265, 37), "symlink": (88, 0),
    "symlinkat": (266, 36), "mknod": (133, 0), "mknodat": (259, 33), "chmod": (90, 0),
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, 0),
    "fchown": (93, 55), "lchown": (94, 0), "fchownat": (260, 54), "utime": (132, 0),
    "utimes": (235, 0), "futimesat": (261, 0), "utimensat": (280, 88), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7),
}  # fmt: skip
_OPENING = {"open": (2, 0, 1), "openat": (257, 56, 2)}
"""Numbers of the calls that open a file, and which argument says for what."""


def deny_system_calls() -> bool:
    """Return whether this process and its children can reach nothing else from now on.

    False where the system has no such filter: other systems than Linux, other machines than x86_64
    and aarch64, and kernels or containers that refuse it.
    """
    if sys.platform != "linux" or os.uname().machine not in _MACHINES:
        return False
    program = b"".join(_program(os.uname().machine))
    libc = ctypes.CDLL(None, use_errno=True)
    at = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog, whose pointer is aligned
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(at))
    _, seccomp = _MACHINES[os.uname().machine]
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    return bool(libc.syscall(seccomp, _SET_FILTER, _ALL_THREADS, header) == 0)


def _program(machine: str) -> Iterator[bytes]:
    """Yield the filter's instructions, each 8 bytes."""
    x86 = machine == "x86_64"
    architecture, _ = _MACHINES[machine]
    yield _instruction(_LOAD, _ARCHITECTURE_AT)
    yield _instruction(_JUMP_EQUAL, architecture, yes=1)
    yield _instruction(_RETURN, _DENY)
    yield _instruction(_LOAD, _NUMBER_AT)
    if x86:
        yield _instruction(_JUMP_ABOVE, _FIRST_OF_X32, no=1)
        yield _instruction(_RETURN, _DENY)
    for numbers in _DENIED.values():
        if number := numbers[not x86]:
            yield _instruction(_JUMP_EQUAL, number, no=1)
            yield _instruction(_RETURN, _DENY)
    for on_x86, on_arm, flags in _OPENING.values():
        if number := on_x86 if x86 else on_arm:
            yield _instruction(_JUMP_EQUAL, number, no=4)
            yield _instruction(_LOAD, _ARGUMENTS_AT + 8 * flags)
            yield _instruction(_JUMP_ANY_OF, _WRITING, no=1)
            yield _instruction(_RETURN, _DENY)
            yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _ALLOW)


def _instruction(code: int, operand: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return a struct sock_filter; `yes` and `no` say how many instructions to leap over."""
    return struct.pack("HBBI", code, yes, no, operand)
