"""How long a run is, and how the workers in it are set: quick to retry, small pages, so that faults meet every step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.tenants import MIN_EVENTS, PINNED

RATE: Final = 0.01
"""Share of importance lost per day: the most that the application's bounds permit."""

SETTLING_SECONDS: Final = 165
"""Most time that is kept back for what the faults have left; a killed worker's step may take two minutes to return."""


@dataclass(frozen=True, slots=True)
class Options:
    """One run."""

    seed: int
    minutes: float = 6.0
    tenants: int = 240
    """More than a page, so that small ones are done in bulk, too."""
    workers: int = 2
    agents: int = 3

    @property
    def fault_seconds(self) -> float:
        """Return how long faults happen: what is left after starting, and settling at the end."""
        whole = self.minutes * 60
        return max(15.0, whole - min(SETTLING_SECONDS, 0.62 * whole) - 15)


def worker_settings(home: Path, *, database: str, temporal: str, endpoint: str) -> dict[str, str]:
    """Return the environment of the workers."""
    return {
        "DATABASE_URL": database,
        "TEMPORAL_ADDRESS": temporal,
        "RAE_LLM_BACKEND": "openai",
        "OPENAI_BASE_URL": endpoint,
        "OPENAI_API_KEY": "none",
        "MEMORY_MAINTENANCE_HOME": str(home),
        "DATABASE_POOL_SIZE": "8",
        "DATABASE_TIMEOUT_SECONDS": "20",
        "MODEL_TIMEOUT_SECONDS": "2",
        "MODEL_PATIENCE_SECONDS": "4",
        "MODEL_BREAKER_SECONDS": "3",
        "MODEL_ANSWER_ATTEMPTS": "3",
        "MODEL_REQUESTS_PER_SECOND": "1000",
        "MODEL_CONCURRENCY": "16",
        "SET_ASIDE_AFTER_CYCLES": "1000",
        "MEMORY_BASE_DECAY_RATE": str(RATE),
        "MEMORY_DECAY_PAGE_SIZE": "5",
        "MEMORY_DECAY_PROTECTED_TAGS": PINNED,
        "SUMMARIZATION_MIN_EVENTS": str(MIN_EVENTS),
        "SUMMARIZATION_IDLE_MINUTES": "0",
        "LOG_FORMAT": "json",
    }
