"""The process that does the work: ``python worker.py --help``."""

from commands.console import leaving
from commands.work import app

if __name__ == "__main__":
    with leaving():
        app()
