"""The operator's command line: ``python starter.py --help``."""

from commands.application import app
from commands.console import leaving

if __name__ == "__main__":
    with leaving():
        app()
