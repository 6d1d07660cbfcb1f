"""The configuration of one process, and the door to it: ``load_settings``."""

from __future__ import annotations

import os
from typing import Any, Final

from pydantic import ValidationError

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings.decay import DecaySettings
from memory_maintenance.settings.env_file import env_file, names_in_env_file
from memory_maintenance.settings.expiry import ExpirySettings
from memory_maintenance.settings.kinds import fault_words
from memory_maintenance.settings.model import ModelSettings
from memory_maintenance.settings.overrides import SETTING_OF, TenantOverrides
from memory_maintenance.settings.review import ReviewSettings
from memory_maintenance.settings.runs import RunSettings
from memory_maintenance.settings.servers import ServerSettings
from memory_maintenance.settings.webhooks import WebhookSettings
from memory_maintenance.settings.writing import WritingSettings

RAES_PREFIX: Final = "ollama/"
"""How RAE begins the name of a model of Ollama's; no endpoint knows it by that."""


# Bases give their fields last first: this order is that of the documentation.
class Settings(
    WebhookSettings,
    RunSettings,
    WritingSettings,
    DecaySettings,
    ExpirySettings,
    ReviewSettings,
    ModelSettings,
    ServerSettings,
):
    """Every setting of a process."""

    def for_tenant(self, overrides: TenantOverrides) -> Settings:
        """Return the settings that hold for a tenant: these, with what its overrides say in their place.

        An override lets a tenant in as well as out. Two ceilings stay: REFLECTIVE_MEMORY_ENABLED=False, and
        mode lite where DREAMING_ENABLED does not say otherwise.
        """
        own = {name: value for name, value in overrides if value is not None}
        if not own:
            return self
        if own.get("dreaming_enabled"):
            own["dreaming_enabled"] = self.reflective_memory_mode == "full" or bool(self.dreaming_enabled)
        return self.model_copy(update={SETTING_OF[name]: value for name, value in own.items()})

    def in_store(self, duplicates: str | None) -> Settings:
        """Return these settings with the store's own default where they leave it open."""
        return self if self.memory_duplicates else self.model_copy(update={"memory_duplicates": duplicates})

    def on_embedded_servers(self) -> Settings:
        """Return these settings with the embedded servers for all that they name, and with workers of no build."""
        named = ("database_url", "postgres_host", "temporal_address", "temporal_profile", "temporal_config_file")
        build = ("temporal_worker_deployment_name", "temporal_worker_build_id")
        return self.model_copy(update=dict.fromkeys((*named, *build)))

    def snapshot(self) -> dict[str, Any]:
        """Return what a cycle records of its configuration: RAE's keys, and what decides results; no secrets."""
        return {
            "reflective_enabled": self.reflective_memory_enabled,
            "mode": self.reflective_memory_mode,
            "dreaming_enabled": self.dreaming,
            "summarization_enabled": self.summarization_enabled,
            "decay_enabled": self.memory_importance_decay_enabled,
            "decay_policy": self.memory_decay_policy,
            "decay_rate": self.base_decay_rate,
            "decay_retained": self.memory_decay_retained,
            "decay_uses_access": self.memory_access_count_boost,
            "decay_layers": dict(self.memory_decay_layers),
            "decay_protected_tags": sorted(self.memory_decay_protected_tags),
            "decay_tolerance": self.memory_decay_tolerance,
            "expiry": {
                "expired": self.memory_expiry,
                "grace_days": self.memory_expiry_grace_days,
                "retention_days": self.memory_expiry_retention_days,
                "retention_layers": dict(self.memory_expiry_retention_layers),
                "retention_tags": dict(self.memory_expiry_retention_tags),
                "keep_per_project": self.memory_expiry_keep_per_project,
                "retention_action": self.memory_expiry_retention_action,
                "archive_days": self.memory_expiry_archive_days,
            },
            "duplicates": {"exact": self.memory_duplicates, "near": self.memory_duplicates_near},
            "supersession": self.memory_supersession,
            "model_excluded_classes": sorted(self.model_excluded_classes),
            "derivation_excluded_classes": sorted(self.derivation_excluded_classes),
            "llm_backend": self.llm_backend,
            "llm_model": self.rae_llm_model_default if self.llm_backend == "openai" else None,
            **self._differing(),
            "embedding_model": self.embedding_model if self.embeds else None,
            "fail_ratio": self.maintenance_fail_ratio,
            "deadline_minutes": {
                "daily": self.maintenance_daily_deadline_minutes,
                "hourly": self.maintenance_hourly_deadline_minutes,
            },
        }

    def _differing(self) -> dict[str, Any]:
        """Return what is recorded only where it is set: the idle gate, and the models of single tasks."""
        found: dict[str, Any] = {"idle_gate_minutes": self.maintenance_idle_gate_minutes}
        if self.llm_backend == "openai":
            found |= {"summarization_model": self.summarization_model, "dreaming_model": self.dreaming_model}
        return {name: value for name, value in found.items() if value}

    def warnings(self) -> list[str]:
        """Return a sentence for every setting that does not do what its owner may think."""
        found = []
        if self.memory_decay_rate is not None:
            found.append(
                "MEMORY_DECAY_RATE is ignored: decay goes by MEMORY_BASE_DECAY_RATE, per day "
                f"(now {self.base_decay_rate:g})"
            )
        if self.base_decay_rate != self.memory_base_decay_rate:
            found.append(
                f"MEMORY_BASE_DECAY_RATE={self.memory_base_decay_rate:g} is outside its bounds: "
                f"{self.base_decay_rate:g} is used"
            )
        for setting in ("rae_llm_model_default", "summarization_model", "dreaming_model"):
            name = getattr(self, setting)
            if self.llm_backend == "openai" and name and name.startswith(RAES_PREFIX):
                found.append(
                    f"{setting.upper()}={name} has RAE's prefix, and is sent as it is: "
                    f"Ollama knows {name.removeprefix(RAES_PREFIX)}"
                )
        if self.embedding_model and not self.has_endpoint:
            found.append("EMBEDDING_MODEL is ignored: neither OPENAI_BASE_URL nor OPENAI_API_KEY names an endpoint")
        return found


def load_settings() -> Settings:
    """Read the environment and ``.env``.

    Raises:
        SettingsError: one line naming each variable that is wrong and what it may be, or the ``.env`` in question.
    """
    try:
        return Settings(_env_file=env_file())
    except ValidationError as error:
        faults = [
            # Of an entry in a mapping pydantic gives its name, too, which may be a key in the wrong place.
            f"{str(e['loc'][0]).upper() if e['loc'] else ''}: {fault_words(e['msg'])}".removeprefix(": ")
            for e in error.errors()
        ]
        raise SettingsError("settings: " + "; ".join(faults)) from None


def names_set() -> set[str]:
    """Return the names, in capitals, of everything that is set where settings are read from, ours or not."""
    return {name.upper() for name in (*os.environ, *names_in_env_file())}
