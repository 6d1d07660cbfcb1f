"""Why a model gives no usable text, in words of a closed set, and what an operator does about each."""

from __future__ import annotations

from typing import Final

_STRONGER: Final = "use a stronger model"

NEXT_STEPS: Final = {
    # The answer was refused.
    "truncated": "raise MODEL_ANSWER_TOKENS: answers are cut off at it",
    "off_schema": "use a model or a server that keeps to response_format=json_schema: starter.py doctor --ask-model",
    "empty": _STRONGER,
    "model_refused": "use a model that does not decline to read records",
    "filtered": "loosen the endpoint's content filter, or use another endpoint",
    "one_long_token": _STRONGER,
    "too_short": _STRONGER,
    "repeats": _STRONGER,
    "echoes_prompt": _STRONGER,
    "unsupported_numbers": f"{_STRONGER}: this one invents numbers or dates",
    "unsupported_words": f"{_STRONGER}, or one that knows the memories' language: this one adds words of its own",
    "copied": f"{_STRONGER}: this one copies a single memory",
    "few_topics": _STRONGER,
    # The endpoint did not take the question.
    "context_length": "set MODEL_CONTEXT_TOKENS to the context that the model has",
    "bad_request": "starter.py doctor --ask-model: the endpoint does not understand our requests",
    # There was no answer.
    "rate_limited": "lower MODEL_REQUESTS_PER_SECOND and MODEL_CONCURRENCY, or raise the provider's limit",
    "server_error": "look at the endpoint's log: it answers with errors",
    "timeout": "raise MODEL_TIMEOUT_SECONDS, or use a faster model",
    "unreachable": "start the endpoint, or correct OPENAI_BASE_URL",
    "connection_lost": "look at the endpoint's log, and at proxies and time-outs between",
    "not_json": "correct OPENAI_BASE_URL: what answers there is no OpenAI-compatible endpoint",
    "broken_json": "look at the endpoint's log, and at proxies between: its answers arrive in part",
    "claim_lost": "look at the workers' logs: they ended while they waited for an answer",
    # An operator has to correct it.
    "quota": "raise the account's limit or balance",
    "credentials": "correct OPENAI_API_KEY",
    "forbidden": "let OPENAI_API_KEY use the model",
    "unknown_model": "correct the model's name (RAE_LLM_MODEL_DEFAULT, of a task or of a tenant) or OPENAI_BASE_URL",
    "misconfigured": "correct OPENAI_BASE_URL, OPENAI_API_KEY or MODEL_PROXY",
}
"""The next step by reason. Every reason that the ledger can hold is here; a test compares."""
