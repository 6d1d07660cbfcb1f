"""Writers in front of a scripted endpoint, through the real client and the real ledger."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool
from memory_maintenance.writers.model.asking import PatientModel, open_model
from scripted_endpoint.replies import Reply, answer
from scripted_endpoint.server import ScriptedEndpoint

__all__ = ["model", "settings"]

PEOPLE = ["Mara", "Bo", "Ana", "Li", "Joost", "Emma", "Noor", "Sven", "Ines", "Otto", "Pia", "Rik", "Tess"]
GOODS = [
    "kettle",
    "lamp",
    "bicycle",
    "desk",
    "mirror",
    "carpet",
    "clock",
    "drill",
    "tent",
    "piano",
    "violin",
    "oven",
    "sofa",
]


def told(count: int) -> list[str]:
    """Return events that differ in their words, as people's do."""
    return [f"{PEOPLE[n % 13]} ordered the {GOODS[n * 5 % 13]} number {n} for Gent." for n in range(count)]


def record_of(request: dict[str, Any]) -> list[str]:
    """Return the lines that a request is about."""
    prompt = request["messages"][-1]["content"]
    lines: list[str] = prompt.rpartition("<record>\n")[2].partition("\n</record>")[0].splitlines()
    return lines


def is_dream(request: dict[str, Any]) -> bool:
    """Return whether a request asks for a reflection."""
    return "evidence" in str(request["response_format"])


def honest(request: dict[str, Any]) -> Reply:
    """Answer with the first words of the first and the last line of the record: honest, short, in its own order."""
    record = record_of(request)
    words = [re.findall(r"[A-Za-z]+", line) for line in (record[-1], record[0])]
    said = "; ".join(f"{' '.join(one[3:5])} for {one[0]}" for one in words if len(one) > 4)
    return told_answer(request, f"The orders were {said} and others in Gent.", ["orders", "Gent"])


def told_answer(request: dict[str, Any], text: str, topics: list[str]) -> Reply:
    """Return *text* in the shape that a request asks for."""
    if not is_dream(request):
        return answer({"summary": text, "key_topics": topics, "sentiment": "neutral"})
    scores = {"importance": 7, "confidence": 6, "evidence": [1, 2]}
    return answer({"reflection": text, "strategy": None, "tags": topics, **scores})


@pytest.fixture
def settings(endpoint: ScriptedEndpoint) -> Settings:
    """Settings that name the scripted endpoint, with a small context."""
    return Settings.model_validate(
        {
            "rae_llm_backend": "openai",
            "openai_base_url": endpoint.base_url,
            "model_answer_attempts": 2,
            "model_patience_seconds": 1,
            "model_context_tokens": 4096,
            "model_answer_tokens": 500,
        }
    )


@pytest.fixture
async def model(settings: Settings, pool: Pool) -> AsyncIterator[PatientModel]:
    """A patient model that does not sleep."""
    opened = open_model(settings, pool)
    assert opened

    async def at_once(_: float) -> None:
        return None

    yield PatientModel(opened, at_once)
    await opened.close()
