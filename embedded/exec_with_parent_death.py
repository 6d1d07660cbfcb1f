"""Become another program that dies with its parent: ``exec_with_parent_death.py PARENT SIGNAL USER COMMAND...``.

Run as a script, by path, because what it does has to happen between fork and exec, where a
process with threads must not run Python code. Only the standard library, only a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>: the signal that this process gets when the thread that forked it ends."""


def become_user(name: str) -> None:
    """Give up root for good and go on as the user *name*."""
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def die_with_parent(parent: int, death_signal: int) -> None:
    """Ask Linux for *death_signal* at the end of *parent*; elsewhere there is no such thing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)


def main(parent: str, death_signal: str, user: str, *command: str) -> None:
    """Become *command*, as *user* where one is named."""
    if user:
        become_user(user)  # first: a change of user clears the death signal
    die_with_parent(int(parent), int(death_signal))
    os.execv(command[0], command)  # noqa: S606  (the caller's own list, no shell wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
