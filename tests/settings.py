"""Settings for tests: those that are chosen, and else the defaults, whatever .env says."""

from typing import Any

from memory_maintenance.settings import Settings


def settings(**chosen: Any) -> Settings:
    """Return settings."""
    return Settings(_env_file=None, **chosen)
