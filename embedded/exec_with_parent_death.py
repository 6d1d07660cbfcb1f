"""Become another program that dies with its parent: ``exec_with_parent_death.py PARENT SIGNAL USER COMMAND...``.

Run as a script, by path: its work has to happen between fork and exec, where a process with
threads must not run Python code. It imports only the standard library and takes a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>: the signal that this process gets when the thread that forked it ends."""


def with_parent_death(command: Sequence[object], death_signal: int, user: str = "") -> list[str]:
    """Return a command line that runs *command*, which gets *death_signal* when this process ends.

    Only Linux can do that; elsewhere the command outlives a killed parent.

    Args:
        command: an absolute path and its arguments.
        death_signal: its number.
        user: name of the user to run it as, which takes root; empty: the current user.
    """
    script = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), user]
    return [*script, *map(str, command)]


def main(parent: str, death_signal: str, user: str, *command: str) -> None:
    """Become *command*, as *user* where one is named."""
    if user:  # before the death signal, which a change of user clears
        account = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):  # it ended before the signal was set
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  (the caller's own list; no shell wanted)


if __name__ == "__main__":
    main(*sys.argv[1:])
