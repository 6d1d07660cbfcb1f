"""Every setting, with its unit, range and default; the environment variable is the name in capitals.

Names that RAE's workers already use keep their name and default. Nothing else in the
project reads the environment. ``load_settings`` is the door: it turns whatever is wrong
into one line that names the variable.
"""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from annotated_types import Ge, Gt, Le, Lt
from dotenv import dotenv_values
from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from memory_maintenance.errors import SettingsError

Rate = Annotated[float, Ge(0), Lt(1)]
Share = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
Seconds = Annotated[float, Gt(0)]

LAYER_SPELLINGS: Final = {
    "episodic": ("episodic", "em"),
    "working": ("working", "stm", "wm"),
    "semantic": ("semantic", "ltm", "sm"),
    "reflective": ("reflective", "rm"),
}
"""A layer's name, and every way it is stored: names since 2026-01, codes before."""

_LAYER_NAMES: Final = {spelling: name for name, spellings in LAYER_SPELLINGS.items() for spelling in spellings}


def _words(value: object) -> object:
    """Read ``a,b`` as two words; a comma alone is no word at all."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _lower(value: object) -> object:
    """Read ``WARNING``, as RAE spells it."""
    return value.lower() if isinstance(value, str) else value


def _layer_speeds(value: object) -> object:
    """Read ``semantic=0.5,em=1`` as speeds by the layer's name."""
    if not isinstance(value, str):
        return value
    speeds: dict[str, str] = {}
    for part in filter(str.strip, value.split(",")):
        spelling, _, speed = (side.strip() for side in part.partition("="))
        name = _LAYER_NAMES.get(spelling.lower())
        if name is None or not speed:
            raise ValueError(f"{part.strip()!r} is not LAYER=SPEED with a layer of {', '.join(_LAYER_NAMES)}")
        if name in speeds:
            raise ValueError(f"the layer {name} is named twice")
        speeds[name] = speed
    return speeds


def _prices(value: object) -> object:
    """Read ``gpt-4o-mini=0.15/0.60,local=0/0`` as the prices of input and output by the model's name."""
    if not isinstance(value, str):
        return value
    prices: dict[str, tuple[Decimal, Decimal]] = {}
    for part in filter(str.strip, value.split(",")):
        model, _, price = part.strip().rpartition("=")
        if not model:
            raise ValueError(f"{part.strip()!r} is not MODEL=INPUT/OUTPUT")
        if model in prices:
            raise ValueError(f"the model {model} is named twice")
        prices[model] = _price_pair(model, price)
    return prices


def _price_pair(model: str, text: str) -> tuple[Decimal, Decimal]:
    try:
        both = [Decimal(price.strip()) for price in text.split("/")]
    except InvalidOperation:
        both = []
    if len(both) != 2 or not all(price.is_finite() and price >= 0 for price in both):  # noqa: PLR2004
        raise ValueError(f"the price of {model} is {text!r}, not INPUT/OUTPUT, as 0.15/0.60 for a million tokens")
    return both[0], both[1]


def _named_numbers(value: object) -> object:
    """Read ``unsupported_words=0.3,copied=0.9`` as numbers by name."""
    if not isinstance(value, str):
        return value
    parts = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): number.strip() for name, _, number in parts}


Tags = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
ModelPrices = Annotated[
    dict[str, tuple[Annotated[Decimal, Ge(0)], Annotated[Decimal, Ge(0)]]], NoDecode, BeforeValidator(_prices)
]
Thresholds = Annotated[dict[str, float], NoDecode, BeforeValidator(_named_numbers)]
LayerSpeeds = Annotated[dict[str, Annotated[float, Ge(0), Le(100)]], NoDecode, BeforeValidator(_layer_speeds)]


class Settings(BaseSettings):
    """The configuration of one process."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    # --- where things are: what is unset is started on this machine -----------------------------

    database_url: SecretStr | None = None
    """Postgres, as postgresql://user:password@host:port/database; unset: POSTGRES_HOST, else the embedded one."""
    postgres_host: str | None = None
    """RAE's way to name the database, used where DATABASE_URL is unset."""
    postgres_port: Annotated[int, Ge(1), Le(65535)] = 5432
    """Port of POSTGRES_HOST."""
    postgres_db: str = "rae"
    """Database on POSTGRES_HOST."""
    postgres_user: str = "rae"
    """User on POSTGRES_HOST."""
    postgres_password: SecretStr = SecretStr("")
    """Password on POSTGRES_HOST."""
    memory_maintenance_home: Path = Path("~/.local/share/memory-maintenance")
    """Folder of the embedded servers' data."""
    database_pool_size: Annotated[int, Ge(2), Le(200)] = 10
    """Connections of one process; the slots for SQL activities are no more than this."""
    database_timeout_seconds: Seconds = 60
    """Longest run of one statement."""
    temporal_address: str | None = None
    """host:port of the Temporal frontend; unset: the profile's, else the embedded dev server."""
    temporal_namespace: str | None = None
    """Temporal namespace; unset: the profile's, else `default`."""
    temporal_profile: str | None = None
    """Profile of Temporal's configuration file that says what is unset here; unset, no file is read."""
    temporal_config_file: Path | None = None
    """That file; unset: where the `temporal` command keeps it. Set alone: its profile `default`."""
    temporal_api_key: SecretStr | None = None
    """Key of Temporal Cloud; TLS is on with it unless TEMPORAL_TLS says otherwise."""
    temporal_tls: bool | None = None
    """Whether the connection is encrypted; unset: where a key or one of the next settings is given."""
    temporal_tls_server_name: str | None = None
    """Name in the server's certificate, where it is not the one in the address."""
    temporal_tls_server_ca_cert_path: Path | None = None
    """Certificate of the authority that signed the server's; unset: those the system trusts."""
    temporal_tls_server_ca_cert_data: str | None = None
    """The same as PEM text."""
    temporal_tls_client_cert_path: Path | None = None
    """Our certificate, where the server asks for one (mTLS)."""
    temporal_tls_client_cert_data: str | None = None
    """The same as PEM text."""
    temporal_tls_client_key_path: Path | None = None
    """Key of our certificate."""
    temporal_tls_client_key_data: SecretStr | None = None
    """The same as PEM text."""
    temporal_patience_seconds: Annotated[float, Ge(0)] = 60
    """How long a starting worker waits for Temporal to answer; commands wait no longer than ten seconds."""
    temporal_worker_deployment_name: str | None = None
    """Name of the worker deployment, for worker versioning; set with TEMPORAL_WORKER_BUILD_ID or not at all."""
    temporal_worker_build_id: str | None = None
    """Build of this worker: a run that started on it ends on it."""
    temporal_ui_url: str | None = None
    """Address of the Temporal Web UI, shown to people; unset: the embedded one's."""

    # --- the language model ----------------------------------------------------------------------

    rae_llm_backend: Literal["openai", "extractive", "none", "ollama"] | None = None
    """Who writes: openai (any OpenAI-compatible endpoint), extractive (no model), none; unset: openai when a
    key or base URL is set, else extractive. `ollama` is openai at OLLAMA_API_URL."""
    openai_api_key: SecretStr | None = None
    """Key for the endpoint; a local server usually needs none."""
    openai_base_url: str | None = None
    """Root of the endpoint, ending in /v1; unset with a key: OpenAI."""
    ollama_api_url: str = "http://localhost:11434"
    """Ollama's address, used with RAE_LLM_BACKEND=ollama."""
    rae_llm_model_default: str = "gpt-4o-mini"
    """Model that writes summaries and reflections."""
    embedding_model: str | None = None
    """Model of the same endpoint that embeds summaries and reflections, so that vector search finds them: the one
    that the agents embed with. Unset: they are not embedded."""
    embedding_name: str | None = None
    """What `memory_embeddings.model_name` calls it; unset: EMBEDDING_MODEL."""
    model_context_tokens: Annotated[int, Ge(1024)] = 16_384
    """Context of the model in tokens: longer sessions are summarized in chunks that fit."""
    model_answer_tokens: Annotated[int, Ge(64)] = 1024
    """Longest answer, in tokens."""
    model_timeout_seconds: Seconds = 120
    """Longest wait for one answer."""
    model_patience_seconds: Seconds = 600
    """How long one question may meet rate limits, server errors or no connection before the breaker opens."""
    model_breaker_seconds: Seconds = 900
    """How long an open breaker makes every call of every process fail at once."""
    model_answer_attempts: Annotated[int, Ge(1), Le(10)] = 4
    """How often a question is asked in one cycle before its bad answers lead to the fallback."""
    model_quality: Thresholds = Field(default_factory=dict)
    """Where answers stop being fit to be stored, in place of the measured limits in docs/language-model.md, as
    unsupported_words=0.3,copied=0.9."""
    model_requests_per_second: Annotated[float, Gt(0)] = 2.0
    """Rate of model activities over all workers, enforced by the Temporal server."""
    model_concurrency: Count = 8
    """Model activities at once, per worker."""
    model_price_input: Annotated[Decimal, Ge(0)] = Decimal("0.15")
    """Price of a million input tokens, in the currency of the budgets."""
    model_price_output: Annotated[Decimal, Ge(0)] = Decimal("0.60")
    """Price of a million output tokens."""
    model_prices: ModelPrices = Field(default_factory=dict)
    """Prices of a million tokens by model, as gpt-4o-mini=0.15/0.60,local=0/0 (input/output); a model that is
    not named costs MODEL_PRICE_INPUT and MODEL_PRICE_OUTPUT."""
    model_daily_tokens_per_tenant: Annotated[int, Ge(0)] = 2_000_000
    """Tokens a tenant may use in a UTC day; 0: that tenant's texts are written without a model."""
    model_daily_tokens: Annotated[int, Ge(0)] = 50_000_000
    """Tokens the whole deployment may use in a UTC day."""
    model_daily_cost_per_tenant: Annotated[Decimal, Ge(0)] = Decimal(2)
    """Money a tenant may use in a UTC day."""
    model_daily_cost: Annotated[Decimal, Ge(0)] = Decimal(50)
    """Money the whole deployment may use in a UTC day."""
    model_call_retention_days: Annotated[int, Ge(1), Le(36_500)] = 30
    """How long the text of answers is kept; what they cost stays on record."""
    set_aside_after_cycles: Count = 3
    """Cycles in a row in which the model fails at a session, a dream or a memory because of what it says, after
    which it is asked about it no more; `starter.py memories set-aside` lists them."""

    # --- decay -----------------------------------------------------------------------------------

    memory_importance_decay_enabled: bool = True
    """Whether importance decays at all."""
    memory_base_decay_rate: Rate = 0.001
    """Share of its importance that a memory loses per DAY at multiplier 1, clamped to the two bounds below."""
    memory_min_decay_rate: Rate = 0.0001
    """Lower bound of every tenant's rate, per day."""
    memory_max_decay_rate: Rate = 0.01
    """Upper bound of every tenant's rate, per day."""
    memory_access_count_boost: bool = True
    """Whether the days since the last access change the speed of decay."""
    memory_decay_tolerance: Annotated[float, Ge(0), Lt(0.5)] = 0.0
    """Importance may stay this far from its exact value before a row is written."""
    memory_decay_page_size: Annotated[int, Ge(1), Le(10_000)] = 1000
    """Memories locked and written in one transaction."""
    memory_decay_policy: Literal["staged", "bounded"] = "staged"
    """staged: RAE's, down to 0.01; bounded: down to 0.7 of what the agent said, which can never hide a memory."""
    memory_decay_protected_tags: Tags = ("pinned",)
    """Memories with one of these tags, separated by commas, never decay; a comma alone: none."""
    memory_decay_layers: LayerSpeeds = Field(default_factory=dict)
    """How fast layers decay, as semantic=0.5,episodic=1, each from 0 (not at all) to 100; 1 where unnamed."""
    memory_decay_rate: float | None = None
    """RAE's legacy rate per hour. Never used; set, it is warned about."""

    # --- summaries -------------------------------------------------------------------------------

    summarization_enabled: bool = True
    """Whether sessions are summarized."""
    summarization_min_events: Count = 10
    """Fewest new events that make an idle session due."""
    summarization_event_threshold: Count = 100
    """New events that make a session due in the daily run even while it goes on."""
    summarization_idle_minutes: Annotated[int, Ge(0)] = 30
    """A session whose last event is older than this many minutes is idle."""
    summarization_backfill_days: Annotated[int, Ge(0)] = 7
    """Sessions that ended more days than this before adoption are left alone."""
    summarization_fallback: Literal["rae", "extractive"] = "rae"
    """What is stored until a failing model answers again: rae (the first five events), or chosen sentences."""

    # --- dreams ----------------------------------------------------------------------------------

    reflective_memory_enabled: bool = True
    """Whether reflections are generated at all."""
    reflective_memory_mode: Literal["full", "lite"] = "full"
    """RAE's mode; lite switches dreaming off unless DREAMING_ENABLED says otherwise."""
    dreaming_enabled: bool | None = None
    """Whether reflections are generated; unset: as REFLECTIVE_MEMORY_MODE says."""
    dreaming_lookback_hours: Annotated[int, Ge(1), Le(168)] = 24
    """How far back a dream looks; longer, to at most 7 days, when nights were missed."""
    dreaming_min_importance: Share = 0.6
    """Least undecayed importance of a memory that is dreamt about."""
    dreaming_max_samples: Annotated[int, Ge(3), Le(200)] = 20
    """Most memories in one dream."""

    # --- runs ------------------------------------------------------------------------------------

    maintenance_daily_cron: str = "0 2 * * *"
    """When the daily run starts, as a cron expression in MAINTENANCE_TIME_ZONE; `off`: no such Schedule."""
    maintenance_hourly_cron: str = "30 * * * *"
    """When the hourly run (summaries of idle sessions) starts; `off`: no such Schedule."""
    maintenance_time_zone: str = "UTC"
    """Zone of the two cron expressions, as Europe/Warsaw. A time that a change of clocks leaves out is not made up
    for: the next run finds its work."""
    maintenance_daily_deadline_minutes: Count = 20 * 60
    """After this long a daily run starts no further work."""
    maintenance_hourly_deadline_minutes: Count = 45
    """After this long an hourly run starts no further work."""
    maintenance_fail_ratio: Share = 1.0
    """A run fails when a larger share of its tenants failed; 1: never."""
    metrics_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of the Prometheus metrics of a worker; 0: none."""
    temporal_metrics_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of the Temporal SDK's own metrics of a worker (pollers, slots, task latencies); 0: none."""
    health_port: Annotated[int, Ge(0), Le(65535)] = 0
    """Port of a worker's /livez and /readyz; 0: none."""
    listen_address: str = "127.0.0.1"
    """Where these three ports listen; in a container 0.0.0.0, or nobody outside reaches them."""
    metrics_max_tenants: Annotated[int, Ge(0)] = 100
    """Tenants with metrics of their own, per process; further ones share the label "other"."""
    log_format: Literal["console", "json"] = "console"
    """How log lines look."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    """Least severity that is logged."""

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: object) -> object:
        """Read ``NAME=`` as unset where None is allowed: compose files pass empty values."""
        field = cls.model_fields[info.field_name]  # type: ignore[attr-defined]
        return field.get_default(call_default_factory=True) if value == "" else value

    @model_validator(mode="after")
    def _bounds_of_the_rate_are_ordered(self) -> Settings:
        if self.memory_min_decay_rate > self.memory_max_decay_rate:
            raise ValueError("MEMORY_MIN_DECAY_RATE is above MEMORY_MAX_DECAY_RATE")
        return self

    @model_validator(mode="after")
    def _a_deployment_has_a_build(self) -> Settings:
        if (self.temporal_worker_deployment_name is None) != (self.temporal_worker_build_id is None):
            raise ValueError(
                "TEMPORAL_WORKER_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID go together: set both or none"
            )
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> Settings:
        ports = [port for port in (self.metrics_port, self.temporal_metrics_port, self.health_port) if port]
        if len(set(ports)) < len(ports):
            raise ValueError("METRICS_PORT, TEMPORAL_METRICS_PORT and HEALTH_PORT name the same port twice")
        return self

    @property
    def database_dsn(self) -> SecretStr | None:
        """Return where Postgres is, or None when nothing names one."""
        if self.database_url:
            return SecretStr(self.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://"))
        if not self.postgres_host:
            return None
        password = quote(self.postgres_password.get_secret_value(), safe="")
        login = f"{quote(self.postgres_user, safe='')}:{password}"
        return SecretStr(f"postgresql://{login}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}")

    @property
    def llm_backend(self) -> Literal["openai", "extractive", "none"]:
        """Return who writes: the one chosen, else openai where an endpoint is configured."""
        match self.rae_llm_backend:
            case "ollama":
                return "openai"
            case None:
                return "openai" if self.openai_api_key or self.openai_base_url else "extractive"
            case chosen:
                return chosen

    @property
    def llm_base_url(self) -> str | None:
        """Return the endpoint's root, None meaning OpenAI's own."""
        if self.rae_llm_backend == "ollama" and not self.openai_base_url:
            return self.ollama_api_url.rstrip("/") + "/v1"
        return self.openai_base_url

    @property
    def has_endpoint(self) -> bool:
        """Return whether anything names an OpenAI-compatible endpoint."""
        return bool(self.openai_api_key or self.openai_base_url or self.rae_llm_backend == "ollama")

    @property
    def embeds(self) -> bool:
        """Return whether derived memories are embedded, whoever writes them."""
        return self.embedding_model is not None and self.has_endpoint

    @property
    def stored_embedding_name(self) -> str | None:
        """Return the name under which a store keeps the vectors of EMBEDDING_MODEL; None: there is no such model."""
        return self.embedding_name or self.embedding_model

    @property
    def dreaming(self) -> bool:
        """Return whether dreams are on; a set DREAMING_ENABLED is never overridden by the mode."""
        chosen = self.reflective_memory_mode == "full" if self.dreaming_enabled is None else self.dreaming_enabled
        return self.reflective_memory_enabled and chosen

    @property
    def base_decay_rate(self) -> float:
        """Return the deployment's decay rate per day, within its bounds."""
        return self.bounded_decay_rate(self.memory_base_decay_rate)

    def bounded_decay_rate(self, rate: float) -> float:
        """Return *rate*, per day, brought within the deployment's bounds."""
        return min(max(rate, self.memory_min_decay_rate), self.memory_max_decay_rate)

    @property
    def model_timeout(self) -> timedelta:
        """Return the longest wait for one answer."""
        return timedelta(seconds=self.model_timeout_seconds)

    @property
    def model_call_retention(self) -> timedelta:
        """Return how long the text of answers is kept."""
        return timedelta(days=self.model_call_retention_days)

    def deadline_minutes(self, *, daily: bool) -> int:
        """Return how long a run may start further work."""
        return self.maintenance_daily_deadline_minutes if daily else self.maintenance_hourly_deadline_minutes

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
            "decay_uses_access": self.memory_access_count_boost,
            "decay_layers": dict(self.memory_decay_layers),
            "decay_protected_tags": sorted(self.memory_decay_protected_tags),
            "decay_tolerance": self.memory_decay_tolerance,
            "llm_backend": self.llm_backend,
            "llm_model": self.rae_llm_model_default if self.llm_backend == "openai" else None,
            "embedding_model": self.embedding_model if self.embeds else None,
            "deadline_minutes": {
                "daily": self.maintenance_daily_deadline_minutes,
                "hourly": self.maintenance_hourly_deadline_minutes,
            },
        }

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
        if self.embedding_model and not self.has_endpoint:
            found.append("EMBEDDING_MODEL is ignored: neither OPENAI_BASE_URL nor OPENAI_API_KEY names an endpoint")
        return found


def load_settings() -> Settings:
    """Read the environment and ``.env``.

    Raises:
        SettingsError: one line naming each variable that is wrong and what it may be.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}".removeprefix(": ") for e in error.errors()]
        raise SettingsError("settings: " + "; ".join(faults)) from None


def names_set() -> set[str]:
    """Return the names, in capitals, of everything that is set where settings are read from, ours or not."""
    return {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
