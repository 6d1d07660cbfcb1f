"""The installed command ``memory-maintenance``.

From a clone it is the worker and every command of ``starter.py``. The wheel holds the library alone: there it is
``python -m memory_maintenance``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

APPLICATION = Path(__file__).parent.parent / "commands" / "installed.py"
"""Is in the clone, beside the library. Another package named ``commands`` in site-packages is not imported."""


def main() -> None:
    """Run what is installed, and end the process with its status."""
    if APPLICATION.is_file():
        import_module("commands.installed").main()
    else:
        sys.exit(import_module("memory_maintenance.__main__").main())
