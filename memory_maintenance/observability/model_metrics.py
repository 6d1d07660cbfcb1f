"""Metrics of the language model: calls, tokens, money, answers that were not paid twice."""

from typing import Final

from prometheus_client import Counter, Histogram

CALLS: Final = Counter(
    "memory_maintenance_model_calls",
    "Attempts at a question by how they ended: accepted, refused, waiting, failed, lost",
    ["purpose", "outcome"],
)
UNUSABLE: Final = Counter(
    "memory_maintenance_model_unusable",
    "Attempts that gave no usable answer, by the reason",
    ["reason"],
)
REUSED: Final = Counter(
    "memory_maintenance_model_reused", "Questions answered from the ledger without a call", ["purpose"]
)
TOKENS: Final = Counter(
    "memory_maintenance_model_tokens", "Tokens of answered calls; direction: input, output", ["purpose", "direction"]
)
COST: Final = Counter(
    "memory_maintenance_model_cost", "Cost of answered calls, in the currency of the configured prices", ["purpose"]
)
SECONDS: Final = Histogram(
    "memory_maintenance_model_call_seconds",
    "Seconds from the request to the whole response",
    ["purpose"],
    buckets=(0.5, 1, 2, 5, 10, 20, 60, 120, 300),
)
BREAKER_OPENED: Final = Counter("memory_maintenance_model_breaker_opened", "Times the breaker opened", ["reason"])
