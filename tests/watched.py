"""What the alert rules and the dashboard name, and what Prometheus' registry of this process holds."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "memory-maintenance.json"

_NAME = re.compile(r"\b(?:memory_maintenance|rae_reflective|temporal)_[a-z_]+\b")


def named() -> set[str]:
    """Return the samples, ours and of Temporal's SDK, that the rules and the dashboard ask for."""
    return set(_NAME.findall(" ".join(expressions())))


def expressions() -> Iterator[str]:
    """Yield the expressions of the rules and the dashboard."""
    # A rule's own text up to its labels: the annotations speak to people.
    yield from re.findall(r"expr: (?:\|\n)?(.*?)\n {8}(?:for|labels):", RULES.read_text(), re.DOTALL)
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample of this process by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
    }
