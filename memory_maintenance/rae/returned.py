"""The types of what RAE's methods return: stored memories and statistics. RAE's own say ``Dict[str, Any]``.

Annotations are not postponed here, so that programs can ask at run time which keys are required.
"""

from datetime import datetime
from typing import NotRequired, TypedDict


class StoredReflection(TypedDict):
    """A reflection's or strategy's row; ``metadata`` is its JSON object, ``importance`` in [0, 1]."""

    id: str
    content: str
    importance: float
    tags: list[str]
    layer: str
    source: str
    project: str
    metadata: dict[str, object]
    created_at: datetime


class StoredSummary(StoredReflection):
    """A summary's row."""

    tenant_id: str
    session_id: str | None


class DecayStatistics(TypedDict):
    """Memories by what decay did with them."""

    total_tenants: int
    total_updated: int
    seen: int
    invalid: int
    busy: int


class SummarizationStatistics(TypedDict):
    """Sessions by what became of their summaries; ``reasons`` counts why one was left or failed."""

    stored: int
    updated: int
    fallbacks: int
    skipped: int
    failed: int
    reasons: dict[str, int]
    input_tokens: int
    output_tokens: int


class DreamingStatistics(TypedDict):
    """Dreams by what became of them. ``skipped`` and ``reason`` are there only where dreaming is off, as RAE has it."""

    tenants_processed: int
    reflections_generated: int
    updated: int
    strategies: int
    dreams_skipped: int
    failed: int
    reasons: dict[str, int]
    input_tokens: int
    output_tokens: int
    skipped: NotRequired[bool]
    reason: NotRequired[str]


class EmbeddingStatistics(TypedDict):
    """Derived memories by what became of their vectors."""

    embedded: int
    skipped: int
    failed: int
    reasons: dict[str, int]
    input_tokens: int


class MaintenanceStatistics(TypedDict):
    """Statistics of one run. Times are ISO 8601 in UTC.

    Tasks that are off by default are there where they did something.
    ``dry_run``, ``estimate`` and ``largest_tenants`` are of dry runs: what a run would take of a model at most, and the
    tenants in which it would change most.
    """

    decay: DecayStatistics
    summarization: SummarizationStatistics
    dreaming: DreamingStatistics
    embedding: EmbeddingStatistics
    expiry: NotRequired[dict[str, object]]
    duplicates: NotRequired[dict[str, object]]
    supersession: NotRequired[dict[str, object]]
    tenants: dict[str, int]
    failed_tenants: list[str]
    preflight: list[dict[str, str]]
    started_at: str
    completed_at: str
    config: dict[str, object]
    cycle_id: str
    as_of: str
    dry_run: NotRequired[bool]
    estimate: NotRequired[dict[str, object]]
    largest_tenants: NotRequired[list[dict[str, object]]]
