"""JSON messages, tool calls and HTML as the text that they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any, Final

from memory_maintenance.writers.language.words import longest_run

_LONGEST_RUN: Final = 60
"""Characters without a blank of a value; an encoded file has more."""

_MOST_CHARACTERS: Final = 40_000
_TAG: Final = re.compile(
    r"</?(?:html|head|body|div|p|br|span|a|ul|ol|li|table|tr|td|th|h[1-6]|b|strong|em|i|script|style|img)\b[^<>]*>",
    re.IGNORECASE,
)
_PAYLOAD: Final = re.compile(r"^\s*(?P<label>[\w .()-]{0,40}?[:=]?)\s*(?P<json>[\[{].*[\]}])\s*$", re.DOTALL)
_MOST_VALUES: Final = 60
_DEEPEST: Final = 6
_SPACE: Final = re.compile(r"\s+")


def payload_text(text: str) -> str:
    """Return *text*, or what the JSON or HTML that it is says: values, and the text between tags."""
    if found := _PAYLOAD.match(text):
        try:
            value = json.loads(found["json"])
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict | list):
            label = found["label"].strip(" :=")
            return "\n".join(_lines(value, label))
    if len(_TAG.findall(text[:_MOST_CHARACTERS])) > 1:
        reader = _Text()
        reader.feed(text)
        reader.close()
        return reader.text()
    return text


def _lines(value: Any, label: str = "") -> Iterator[str]:
    """Yield one line for each message, call or record of a payload."""
    before = f"{label}: " if label else ""
    if isinstance(value, list):
        for one in value[:_MOST_VALUES]:
            yield from _lines(one, label)
    elif not isinstance(value, dict):
        yield f"{before}{value}"
    elif "role" in value and "content" in value:
        content = value["content"]
        said = content if isinstance(content, str) else " ".join(_parts(content))
        yield f"{value['role']}: {payload_text(said)}"
        yield from (line for call in value.get("tool_calls") or () for line in _lines(call))
    elif isinstance(value.get("function"), dict):
        yield from _lines(value["function"], label)
    elif "name" in value and ("arguments" in value or "input" in value):
        given = value.get("arguments", value.get("input"))
        yield f"{value['name']}: {_values(_parsed(given))}"
    else:
        yield f"{before}{_values(value)}"


def _parts(content: Any) -> Iterator[str]:
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict):
            said = part.get("text") or part.get("content") or part.get("input")
            yield said if isinstance(said, str) else _values(said)
        elif part is not None:
            yield str(part)


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _values(value: Any) -> str:
    """Return the scalars of a payload as ``key: value``, without encoded files."""
    pairs = []
    for key, one in _scalars(value, "", 0):
        said = " ".join(str(one).split())
        if said and longest_run(said) <= _LONGEST_RUN:
            pairs.append(f"{key.replace('_', ' ')}: {said}" if key else said)
        if len(pairs) == _MOST_VALUES:
            break
    return ", ".join(pairs)


def _scalars(value: Any, key: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > _DEEPEST or value is None or value == "" or isinstance(value, bool):
        return
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _scalars(one, str(name), depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _scalars(one, key, depth + 1)
    else:
        yield key, value


class _Text(HTMLParser):
    """The text of a page: blocks on lines of their own, cells of a row side by side."""

    _BLOCKS: Final = frozenset(
        {"p", "div", "br", "li", "tr", "table", "ul", "ol", "body", "section", "article"}
        | {f"h{level}" for level in range(1, 7)}
    )
    _HIDDEN: Final = frozenset({"script", "style", "head", "template", "noscript"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in self._HIDDEN
        self._begin(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in self._HIDDEN))
        self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._found.append(_SPACE.sub(" ", data))

    def _separate(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._found.append(" ")
        elif tag in self._BLOCKS:
            self._found.append("\n")

    def _begin(self, tag: str) -> None:
        self._separate(tag)
        if tag[:1] == "h" and tag[1:].isdigit():
            self._found.append("# ")

    def text(self) -> str:
        lines = (" ".join(line.split()) for line in "".join(self._found).split("\n"))
        return "\n".join(line for line in lines if line)
