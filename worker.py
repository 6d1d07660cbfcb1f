"""The process that does the work: polls until SIGTERM or SIGINT."""

import sys

from commands.console import leaving
from commands.work import work

if __name__ == "__main__":
    with leaving():
        sys.exit(work())
