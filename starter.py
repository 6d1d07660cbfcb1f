"""The operator's command line: ``python starter.py --help``."""

from commands.application import app

if __name__ == "__main__":
    app()
