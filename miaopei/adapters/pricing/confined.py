"""`python -m miaopei.adapters.pricing.confined ARGUMENTS`: a command where only lo exists.

A network namespace of its own for a process and all that it starts. As root at once, else under a
user namespace where the system allows one. /sys is mounted anew so that it shows the new network.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path
from typing import NoReturn

NEW_USER, NEW_NET, NEW_MOUNTS = 0x10000000, 0x40000000, 0x00020000
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1
PRIVATE, REFUSED_BY_SYSTEM = 1 << 18 | 1 << 14, 71


def enter() -> None:
    """Leave the network, before anything has begun a thread.

    A thread that is there already would stay in the old network, and only root may leave it behind:
    so a process that has any is refused under every account.
    Errors   OSError where the system does not allow it, or this process has threads.
    """
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise OSError(errno.EINVAL, "this process has threads that would stay in the old network")
    system = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if system.unshare(NEW_NET | NEW_MOUNTS):
        if system.unshare(NEW_USER | NEW_NET | NEW_MOUNTS):
            raise OSError(ctypes.get_errno(), "unshare")
        for name, line in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path(f"/proc/self/{name}").write_text(line, "ascii")
    system.mount(b"none", b"/", None, PRIVATE, None)
    system.mount(b"sysfs", b"/sys", b"sysfs", 0, None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(probe, GET_FLAGS, asked))
        fcntl.ioctl(probe, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | UP))


def main() -> NoReturn:
    """Enter, then become the command."""
    try:
        enter()
    except OSError:
        sys.exit(REFUSED_BY_SYSTEM)
    command = [sys.executable, "-m", "miaopei.cli", *sys.argv[1:]]
    os.execv(command[0], command)  # noqa: S606 - becomes itself, in another network


if __name__ == "__main__":
    main()
