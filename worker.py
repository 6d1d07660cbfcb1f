"""The process that does the work: polls until SIGTERM or SIGINT."""

import sys

from commands.work import work

if __name__ == "__main__":
    sys.exit(work())
