"""Who says what in a conversation: the labels before colons, and whether they are of people, roles or neither."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from memory_maintenance.writers.extractive.examples import without_example_blocks
from memory_maintenance.writers.extractive.listings import Listing, entries, listings
from memory_maintenance.writers.extractive.payloads import payload_text
from memory_maintenance.writers.extractive.plain_text import plain_sentences, with_columns
from memory_maintenance.writers.language.cleaning import clean
from memory_maintenance.writers.language.stop_words import ASSISTANTS, ROLES, TOPIC_LABELS

Role = Literal["user", "assistant", "tool", "other"]

_NAME: Final = r"[^\W\d_][\w.'’-]{0,24}"
_LABEL: Final = re.compile(
    rf"^\s*(?P<mark>\[?(?:\*\*)?)(?P<name>{_NAME}(?: {_NAME}){{0,2}})(?:\*\*)?\]?(?: ?\((?P<more>[^()\n]{{1,30}})\))?"
    r"(?:\*\*)?(?:: +|:\*\* *|：\s*)(?=\S)"
)
_TOOLS: Final = frozenset({"tool", "system", "function", "werkzeug", "narzędzie", "outil", "herramienta"})
_OFTEN: Final = 2

BRIEF: Final = 3
"""Sentences up to which an assistant states something; at more it explains."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says in one message.

    ``speaker`` is the label as it is written, or the role where several are known and no label is written; else None.
    ``lists`` are those of an assistant; ``entries`` are its sentences that are in a list.
    """

    speaker: str | None
    role: Role
    sentences: tuple[str, ...]
    lists: tuple[Listing, ...] = ()
    entries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation read once: what is said in each of its messages, and by whom."""

    texts: tuple[str, ...]
    messages: tuple[tuple[Utterance, ...], ...]
    speakers: frozenset[str]

    @classmethod
    def of(cls, texts: Sequence[str], metadata: Sequence[Mapping[str, Any]] = ()) -> Transcript:
        """Read *texts*; *metadata* may say the role of who wrote each."""
        known = speakers(texts)
        about = [*metadata, *({} for _ in texts)]
        known |= _through_the_same_tool(texts, about, known)
        messages = [tuple(utterances(text, known, one)) for text, one in zip(texts, about, strict=False)]
        unnamed = {turn.role for message in messages for turn in message if turn.speaker is None} - {"other"}
        if len(unnamed) > 1:  # one role alone says nothing of who speaks
            messages = [tuple(map(_labelled, message)) for message in messages]
        return cls(tuple(texts), tuple(messages), known)


def label_of(text: str) -> tuple[str, str] | None:
    """Return the label before the first colon of *text* and what follows; None where it has none.

    A word that announces a subject (``Correction:``, ``Decided:``) is no label.
    """
    found = _LABEL.match(text)
    if found is None:
        return None
    name = found["name"]
    if any(word in TOPIC_LABELS for word in name.casefold().split()) or not _is_name(name):
        return None
    label = f"{name} ({found['more']})" if found["more"] else name
    return label, text[found.end() :]


def _is_name(name: str) -> bool:
    """Whether every word begins with a capital, or there are none in its script; or it is a role."""
    return name.casefold() in ROLES or all(not word[0].islower() for word in name.split())


def speakers(texts: Sequence[str]) -> frozenset[str]:
    """Return who speaks in *texts*, casefolded: labels of two messages or more, roles, and all where most have one."""
    counted = Counter(
        found[0].partition(" (")[0].casefold()
        for text in texts
        for line in text[:4000].split("\n")
        if (found := label_of(line))
    )
    first = {found[0].partition(" (")[0].casefold() for text in texts if (found := label_of(text))}
    if first & ASSISTANTS:  # "Subject:" and "Date:" inside of an answer are no speaker
        counted = Counter({name: count for name, count in counted.items() if name in first or name in ROLES})
    everybody = 2 * sum(label_of(text) is not None for text in texts) > len(texts) > 1
    return frozenset(name for name, count in counted.items() if count >= _OFTEN or name in ROLES or everybody)


def utterances(text: str, known: frozenset[str], metadata: Mapping[str, Any] | None = None) -> list[Utterance]:
    """Return what *text* says, by who of the *known* speakers says it.

    A message without a label has no speaker; its role may be in the *metadata*.
    """
    said: list[Utterance] = []
    role = str((metadata or {}).get("role") or "").casefold()
    for speaker, written in _turns(payload_text(clean(with_columns(text))), known):
        who = _role(speaker or role)
        words = (who == "assistant" and without_example_blocks(written)) or written
        sentences = tuple(plain_sentences(words))
        if sentences:
            lists = tuple(listings(words)) if who == "assistant" else ()
            listed = entries(words) if who == "assistant" else ""
            said.append(Utterance(speaker, who, sentences, lists, frozenset(one for one in sentences if one in listed)))
    return said


def _through_the_same_tool(
    texts: Sequence[str], about: Sequence[Mapping[str, Any]], known: frozenset[str]
) -> frozenset[str]:
    """Return the labels of messages that came the way a *known* person's did: through the same tool, say a chat."""
    labels = [found and found[0].partition(" (")[0].casefold() for found in map(label_of, texts)]
    ways = [one for label, one in zip(labels, about, strict=False) if label in known - ROLES and one.get("tool")]
    return frozenset(label for label, one in zip(labels, about, strict=False) if label and one in ways)


def _labelled(turn: Utterance) -> Utterance:
    return replace(turn, speaker=turn.role) if turn.speaker is None and turn.role != "other" else turn


def _turns(text: str, known: frozenset[str]) -> Iterator[tuple[str | None, str]]:
    speaker, lines = None, list[str]()
    for line in text.split("\n"):
        found = label_of(line)
        if found and found[0].partition(" (")[0].casefold() in known:
            yield speaker, "\n".join(lines)
            speaker, lines = found[0], [found[1]]
        else:
            lines.append(line)
    yield speaker, "\n".join(lines)


def _role(name: str) -> Role:
    words = name.partition(" (")[0].casefold()
    if words in ASSISTANTS:
        return "assistant"
    if words in _TOOLS:
        return "tool"
    return "user" if words in ROLES else "other"
