"""Whether the settings say what their owner means: names that are never read, and values that undo each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from typing import Final

from memory_maintenance.inspection.health import Check
from memory_maintenance.settings import Settings
from memory_maintenance.store.classes import CLASSES, more_restricted

OUR_PREFIXES: Final = (
    "MEMORY_",
    "SUMMARIZATION_",
    "DREAMING_",
    "REFLECTIVE_",
    "MODEL_",
    "RAE_",
    "MAINTENANCE_",
    "METRICS_",
    "EMBEDDING_",
    "WEBHOOK_",
)
"""Names that begin so are meant for this application, or for RAE's."""

PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
"""What other programs take a proxy from."""

LIKE_ENOUGH: Final = 0.85
"""Least similarity of a name to a setting's (difflib's ratio) to be taken for a slip."""

OF_RAE: Final = {
    **dict.fromkeys(
        ("GEMINI_API_KEY", "ANTHROPIC_API_KEY"),
        "put it into OPENAI_API_KEY, and the provider's OpenAI-compatible endpoint into OPENAI_BASE_URL",
    ),
    "OLLAMA_API_BASE": "OLLAMA_API_URL, with RAE_LLM_BACKEND=ollama",
    **dict.fromkeys(("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"), "nothing to do: TEMPORAL_ADDRESS takes its place"),
    "MEMORY_IMPORTANCE_DECAY_RATE": "MEMORY_BASE_DECAY_RATE, per day",
    "MEMORY_IMPORTANCE_DECAY_SCHEDULE": "MAINTENANCE_DAILY_CRON",
    **dict.fromkeys(
        (
            "MEMORY_IMPORTANCE_FLOOR",
            "MEMORY_IMPORTANCE_ACCELERATED_THRESHOLD_DAYS",
            "MEMORY_IMPORTANCE_PROTECTED_THRESHOLD_DAYS",
        ),
        "nothing to do: RAE's defaults are fixed here",
    ),
    "MEMORY_EXPIRY_RETENTION_DAYS": "nothing to do: retention stays RAE's",
    "RAE_EMBEDDING_MODEL": "EMBEDDING_MODEL, as the endpoint of OPENAI_BASE_URL knows it",
    "RAE_APP_LOG_LEVEL": "LOG_LEVEL",
}
"""Settings of RAE's that nothing here reads, and what to set instead; the rest is in docs/from-rae.md."""

_settings = partial(Check, "settings")

Rule = tuple[Callable[[Settings], bool], str, str]

CONTRADICTIONS: Final[tuple[Rule, ...]] = (
    (
        lambda s: bool(s.dreaming_enabled) and not s.reflective_memory_enabled,
        "DREAMING_ENABLED is on and REFLECTIVE_MEMORY_ENABLED off: nothing dreams",
        "switch REFLECTIVE_MEMORY_ENABLED on, or DREAMING_ENABLED off",
    ),
    (
        lambda s: s.rae_llm_backend in ("extractive", "none") and bool(s.openai_api_key or s.openai_base_url),
        "an endpoint is named, and RAE_LLM_BACKEND says that no model writes",
        "unset RAE_LLM_BACKEND to use it",
    ),
    (
        lambda s: s.rae_llm_backend == "openai" and not s.has_endpoint,
        "RAE_LLM_BACKEND=openai with neither a key nor a base URL: OpenAI will refuse every call",
        "set OPENAI_API_KEY, or OPENAI_BASE_URL of a server that needs none",
    ),
    (
        lambda s: s.summarization_event_threshold < s.summarization_min_events,
        "SUMMARIZATION_EVENT_THRESHOLD is below SUMMARIZATION_MIN_EVENTS: sessions are summarized while they go on",
        "set the threshold above the minimum",
    ),
    (
        lambda s: s.model_daily_tokens_per_tenant > s.model_daily_tokens,
        "MODEL_DAILY_TOKENS_PER_TENANT is above MODEL_DAILY_TOKENS: one tenant can use up everybody's day",
        "lower it, or raise MODEL_DAILY_TOKENS",
    ),
    (
        lambda s: s.model_daily_cost_per_tenant > s.model_daily_cost,
        "MODEL_DAILY_COST_PER_TENANT is above MODEL_DAILY_COST: one tenant can use up everybody's day",
        "lower it, or raise MODEL_DAILY_COST",
    ),
    (
        lambda s: s.model_answer_tokens * 2 > s.model_context_tokens,
        "MODEL_ANSWER_TOKENS takes more than half of MODEL_CONTEXT_TOKENS: little of a session fits beside it",
        "lower it, or set MODEL_CONTEXT_TOKENS to what the model has",
    ),
    (
        lambda s: s.database_url is not None and s.postgres_host is not None,
        "DATABASE_URL and POSTGRES_HOST are both set: the first one is used",
        "unset the other",
    ),
    *(
        (
            lambda s, name=name: bool(more_restricted(getattr(s, name))),
            f"{name.upper()} names a class and not every more restricted one",
            f"name them, too: {', '.join(CLASSES)} is the order",
        )
        for name in ("model_excluded_classes", "derivation_excluded_classes")
    ),
    (
        lambda s: s.embedding_name is not None and s.embedding_model is None,
        "EMBEDDING_NAME without EMBEDDING_MODEL: nothing is embedded",
        "set EMBEDDING_MODEL, too",
    ),
    (
        lambda s: s.maintenance_daily_cron == s.maintenance_hourly_cron == "off",
        "both crons are off: nothing runs by itself",
        "set MAINTENANCE_DAILY_CRON, unless something else starts the runs",
    ),
)
"""When it holds, what it comes to, and what to do."""


def settings_checks(settings: Settings, names: Iterable[str]) -> list[Check]:
    """Return the verdicts on *settings*, and on the *names* that are set wherever settings are read from."""
    found = [
        *(check for name in sorted(set(names)) if (check := unknown_name(name))),
        *unused_proxies(settings, names),
        *(_settings("value", "warning", said) for said in settings.warnings()),
        *(
            _settings("combination", "warning", what, advice)
            for holds, what, advice in CONTRADICTIONS
            if holds(settings)
        ),
    ]
    return found or [_settings("values", "ok", "nothing unknown, nothing contradictory")]


def unused_proxies(settings: Settings, names: Iterable[str]) -> list[Check]:
    """Return a note where the environment names a proxy and calls to the model go without one."""
    proxies = sorted(PROXIES & {name.upper() for name in names})
    if not proxies or settings.model_proxy or not (settings.llm_backend == "openai" or settings.embeds):
        return []
    found = f"{' and '.join(proxies)} of the environment is not used for calls to the model"
    return [_settings("proxy", "note", found, "set MODEL_PROXY if the endpoint is behind a proxy")]


def unknown_name(name: str) -> Check | None:
    """Return what is wrong with a variable of this name; None if it is ours, or clearly of another program."""
    ours = [field.upper() for field in Settings.model_fields]
    name = name.upper()
    if name in ours:
        return None
    if name in OF_RAE:
        return _settings("name", "note", f"{name} is RAE's, and nothing here reads it", OF_RAE[name])
    if near := get_close_matches(name, ours, n=1, cutoff=LIKE_ENOUGH):
        return _settings("name", "warning", f"{name} is set and nothing reads it", f"did you mean {near[0]}?")
    if name.startswith(OUR_PREFIXES):
        return _settings("name", "note", f"{name} is set and nothing here reads it", "see starter.py settings")
    return None
