"""What models and servers put around the object that was asked for, taken off; what is inside is not repaired."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from pydantic import BaseModel

_THOUGHT: Final = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_FENCE: Final = re.compile(r"^```[ \t]*\w*[ \t]*\n(.*?)\n?```[ \t]*$", re.DOTALL | re.MULTILINE)
_CALLED_WITH: Final = ("arguments", "parameters", "input")


def unwrapped(content: str, answer_type: type[BaseModel]) -> Any:
    """Return the object in *content*: without one block of thoughts, one code fence, a tool call or one wrapper key.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested without end.
    """
    text = _THOUGHT.sub("", content, count=1) if _THOUGHT.match(content) else content
    fences = _FENCE.findall(text)
    value = json.loads(fences[0] if len(fences) == 1 else text)
    fields = frozenset(answer_type.model_fields)
    return _inside(_arguments(value, fields), fields)


def _arguments(value: Any, fields: frozenset[str]) -> Any:
    """Return what a tool is called with: ``{"name": "answer", "arguments": {...}}``, the arguments perhaps as text."""
    if isinstance(value, dict) and "name" in value and fields.isdisjoint(value):
        for key in _CALLED_WITH:
            if key in value and value.keys() <= {"name", "id", "type", key}:
                return _parsed(value[key])
    return value


def _inside(value: Any, fields: frozenset[str]) -> Any:
    """Return the object under the only key of another one, and the only object of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and len(value) == 1 and fields.isdisjoint(value):
        (only,) = value.values()
        inner = _parsed(only)
        return inner if isinstance(inner, dict) else value
    return value


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("{") else value
