"""The language model: which, how long, how often, for how much."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, SecretStr

from memory_maintenance.settings.kinds import (
    Count,
    ModelName,
    ModelPrices,
    ProxyAddress,
    Seconds,
    SettingsGroup,
    Thresholds,
    WebAddress,
)


def _understood(backend: object) -> object:
    """Refuse RAE's other backends with what to do instead; pydantic's own line names no way out."""
    if backend in (None, "openai", "extractive", "none", "ollama"):
        return backend
    raise ValueError(
        "the value is not understood: it is openai, ollama, extractive or none; any provider's OpenAI-compatible "
        "endpoint is openai with its address in OPENAI_BASE_URL and its key in OPENAI_API_KEY (docs/from-rae.md)"
    )


class ModelSettings(SettingsGroup):
    """The language model: which, how long, how often, for how much."""

    rae_llm_backend: Annotated[
        Literal["openai", "extractive", "none", "ollama"] | None, BeforeValidator(_understood)
    ] = None
    """Who writes: openai (any OpenAI-compatible endpoint), extractive (no model), none; unset: openai when a
    key or base URL is set, else extractive. `ollama` is openai at OLLAMA_API_URL."""
    openai_api_key: SecretStr | None = None
    """Key for the endpoint; a local server usually needs none."""
    openai_base_url: WebAddress | None = None
    """Root of the endpoint, ending in /v1; unset with a key: OpenAI."""
    model_proxy: ProxyAddress | None = None
    """Proxy for calls to the endpoint, as http://user:password@host:port. HTTP_PROXY, HTTPS_PROXY and ALL_PROXY are
    not used: what is sent holds memories."""
    ollama_api_url: WebAddress = "http://localhost:11434"
    """Ollama's address, used with RAE_LLM_BACKEND=ollama."""
    rae_llm_model_default: str = "gpt-4o-mini"
    """Model that writes summaries and reflections."""
    summarization_model: ModelName | None = None
    """Model of the same endpoint that writes summaries, a cheaper one for instance; unset: RAE_LLM_MODEL_DEFAULT."""
    dreaming_model: ModelName | None = None
    """Model of the same endpoint that writes reflections; unset: RAE_LLM_MODEL_DEFAULT."""
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
    """How long the text of answers, and events of webhooks, are kept; what answers cost stays on record."""
    set_aside_after_cycles: Count = 3
    """Cycles in a row in which the model fails at a session, a dream or a memory because of what it says, after
    which it is asked about it no more; `starter.py memories set-aside` lists them."""

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
    def model_of_summaries(self) -> str:
        """Return the model that writes summaries."""
        return self.summarization_model or self.rae_llm_model_default

    @property
    def model_of_dreams(self) -> str:
        """Return the model that writes reflections."""
        return self.dreaming_model or self.rae_llm_model_default

    @property
    def writing_models(self) -> tuple[str, ...]:
        """Return the models that write texts, each once."""
        return tuple(dict.fromkeys((self.model_of_summaries, self.model_of_dreams)))

    @property
    def embeds(self) -> bool:
        """Return whether derived memories are embedded, whoever writes them."""
        return self.embedding_model is not None and self.has_endpoint

    @property
    def stored_embedding_name(self) -> str | None:
        """Return the name under which a store keeps the vectors of EMBEDDING_MODEL; None: there is no such model."""
        return self.embedding_name or self.embedding_model

    @property
    def model_timeout(self) -> timedelta:
        """Return the longest wait for one answer."""
        return timedelta(seconds=self.model_timeout_seconds)

    @property
    def model_call_retention(self) -> timedelta:
        """Return how long the text of answers is kept."""
        return timedelta(days=self.model_call_retention_days)
