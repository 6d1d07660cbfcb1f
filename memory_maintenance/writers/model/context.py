"""How much fits into a prompt: an estimate in tokens that errs on the long side."""

from __future__ import annotations

from typing import Final

_BYTES_PER_TOKEN: Final = 3
"""English takes about four; scripts of three bytes a character take about one character a token."""

SCHEMA_TOKENS: Final = 400
"""The answer's schema and the chat template, which some endpoints put into the prompt."""


def estimated_tokens(text: str) -> int:
    """Return at least as many tokens as *text* is likely to be."""
    return tokens_of_bytes(len(text.encode(errors="replace")))


def tokens_of_bytes(count: int) -> int:
    """Return at least as many tokens as *count* bytes of UTF-8 are likely to be."""
    return -(-count // _BYTES_PER_TOKEN)


def room(context_tokens: int, answer_tokens: int, *fixed: str) -> int:
    """Return the tokens left for sources in a context of *context_tokens*, at least a quarter of it."""
    taken = answer_tokens + SCHEMA_TOKENS + sum(map(estimated_tokens, fixed))
    return max(context_tokens // 4, context_tokens - taken)
