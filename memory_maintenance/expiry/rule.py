"""Which rule of expiry holds for a tenant, and how statements are given it."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType

from memory_maintenance.expiry.policy import FOR_GOOD, ExpiryRule
from memory_maintenance.settings import LAYER_SPELLINGS, Settings
from memory_maintenance.store.pool import to_json


def expiry_rule(settings: Settings) -> ExpiryRule:
    """Return the rule that *settings* state, a tenant's own or the deployment's."""
    layers = settings.memory_expiry_retention_layers.items()
    return ExpiryRule(
        expired=None if settings.memory_expiry == "off" else settings.memory_expiry,
        grace_days=settings.memory_expiry_grace_days,
        days=settings.memory_expiry_retention_days,
        layers=MappingProxyType({spelling: days for name, days in layers for spelling in LAYER_SPELLINGS[name]}),
        tags=MappingProxyType(dict(settings.memory_expiry_retention_tags)),
        keep=settings.memory_expiry_keep_per_project,
        fallen=settings.memory_expiry_retention_action,
        archive_days=settings.memory_expiry_archive_days,
        protected=frozenset(settings.memory_decay_protected_tags),
    )


def as_json(rule: ExpiryRule, as_of: datetime) -> str:
    """Return the rule as ``maintenance.falls_out`` reads it."""
    ended, created = rule.expired_before(as_of), rule.created_before(as_of)
    return to_json(
        {
            "expired_before": ended.isoformat() if ended else None,
            "created_before": created.isoformat() if created else None,
            "protected": sorted(rule.protected),
            "tags": {tag: days or FOR_GOOD for tag, days in rule.tags.items()},
            "layers": {layer: days or FOR_GOOD for layer, days in rule.layers.items()},
            "days": rule.days or FOR_GOOD,
        }
    )
