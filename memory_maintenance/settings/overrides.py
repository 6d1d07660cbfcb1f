"""What may differ for one tenant from the deployment's settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from annotated_types import Ge, Le, Lt
from pydantic import BaseModel, ConfigDict, PlainSerializer

from memory_maintenance.settings.kinds import (
    MOST_KEPT,
    Classes,
    CronTimes,
    Days,
    GateMinutes,
    LayerDays,
    ModelName,
    Share,
    TagDays,
    Tags,
    ZoneName,
)

MOST_TOKENS: Final = 10**15
"""More than a tenant can use in a day, and far from what Postgres can count."""

_AS_NUMBER: Final = PlainSerializer(float, return_type=float, when_used="json")


class TenantOverrides(BaseModel):
    """What differs for one tenant from the deployment's settings; None means no difference."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    daily_cron: CronTimes | None = None
    """When the tenant's daily run starts; tenants with the same times share a Schedule."""
    time_zone: ZoneName | None = None
    """Zone of the tenant's daily times, as Europe/Warsaw."""
    decay_enabled: bool | None = None
    decay_rate: Annotated[float, Ge(0), Lt(1)] | None = None
    """Share of importance lost per day at multiplier 1, clamped like the deployment's rate."""
    decay_policy: Literal["staged", "bounded"] | None = None
    decay_retained: Share | None = None
    """Share of what the agent said that staged leaves for good."""
    protected_tags: Tags | None = None
    """Tags whose memories never decay, in place of the deployment's."""
    expiry: Literal["off", "archive", "delete"] | None = None
    """What happens to memories whose expires_at has passed."""
    expiry_grace_days: Days | None = None
    retention_days: Days | None = None
    """Days after its creation that a memory is kept; 0: for good."""
    retention_layers: LayerDays | None = None
    retention_tags: TagDays | None = None
    keep_per_project: Annotated[int, Ge(0), Le(MOST_KEPT)] | None = None
    """Memories that each project keeps, the most important ones; 0: all."""
    retention_action: Literal["archive", "delete"] | None = None
    archive_days: Days | None = None
    duplicates: Literal["off", "propose", "apply"] | None = None
    """What happens to memories with the same text."""
    duplicates_near: Literal["off", "propose", "apply"] | None = None
    supersession: Literal["off", "propose", "apply"] | None = None
    """What happens to a memory that a later one says otherwise."""
    summarization_enabled: bool | None = None
    dreaming_enabled: bool | None = None
    idle_gate_minutes: GateMinutes | None = None
    """Age of the last event before a session is summarized, or the tenant dreams; 0: no gate."""
    summarization_model: ModelName | None = None
    """Model that writes the tenant's summaries."""
    dreaming_model: ModelName | None = None
    """Model that writes the tenant's reflections."""
    model_excluded_classes: Classes | None = None
    """Classes of memories that no model is sent, in place of the deployment's."""
    derivation_excluded_classes: Classes | None = None
    """Classes of memories from which nothing is derived, in place of the deployment's."""
    daily_tokens: Annotated[int, Ge(0), Le(MOST_TOKENS)] | None = None
    """Tokens the tenant may use in a UTC day; 0: its texts are written without a model."""
    daily_cost: Annotated[Decimal, Ge(0), Le(MOST_TOKENS), _AS_NUMBER] | None = None
    """Money the tenant may use in a UTC day; 0: its texts are written without a model."""


SETTING_OF: Final = {
    "daily_cron": "maintenance_daily_cron",
    "time_zone": "maintenance_time_zone",
    "decay_enabled": "memory_importance_decay_enabled",
    "decay_rate": "memory_base_decay_rate",
    "decay_policy": "memory_decay_policy",
    "decay_retained": "memory_decay_retained",
    "protected_tags": "memory_decay_protected_tags",
    "expiry": "memory_expiry",
    "expiry_grace_days": "memory_expiry_grace_days",
    "retention_days": "memory_expiry_retention_days",
    "retention_layers": "memory_expiry_retention_layers",
    "retention_tags": "memory_expiry_retention_tags",
    "keep_per_project": "memory_expiry_keep_per_project",
    "retention_action": "memory_expiry_retention_action",
    "archive_days": "memory_expiry_archive_days",
    "duplicates": "memory_duplicates",
    "duplicates_near": "memory_duplicates_near",
    "supersession": "memory_supersession",
    "summarization_enabled": "summarization_enabled",
    "dreaming_enabled": "dreaming_enabled",
    "idle_gate_minutes": "maintenance_idle_gate_minutes",
    "summarization_model": "summarization_model",
    "dreaming_model": "dreaming_model",
    "model_excluded_classes": "model_excluded_classes",
    "derivation_excluded_classes": "derivation_excluded_classes",
    "daily_tokens": "model_daily_tokens_per_tenant",
    "daily_cost": "model_daily_cost_per_tenant",
}
"""The deployment's setting in whose place each override stands."""
