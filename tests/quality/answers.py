"""Faithful and invented answers about short sessions, in 19 languages: see ``answers/README.md``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from memory_maintenance.writers.language.grounding import LIMITS, Family, grounding

FOLDER = Path(__file__).parent / "answers"
HELD_BACK = FOLDER / "held_back"

NAMES = {
    "ar": "Arabic", "bn": "Bengali", "cs": "Czech", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "it": "Italian", "ja": "Japanese", "ko": "Korean", "pl": "Polish",
    "ru": "Russian", "ta": "Tamil", "th": "Thai", "tr": "Turkish", "zh": "Chinese",
}  # fmt: skip


@dataclass(frozen=True)
class TestedSession:
    """Events, and what a careful and an inventive writer make of them."""

    language: str
    number: int
    events: Sequence[str]
    faithful: Sequence[str]
    invented: Sequence[str]


@dataclass(frozen=True)
class Judged:
    """One answer against one record. ``kind`` says what is true of it; ``long``: the record is a whole language's."""

    language: str
    session: int
    kind: Literal["faithful", "invented"]
    long: bool
    family: Family
    unsupported: float
    text: str

    @property
    def refused(self) -> bool:
        return self.unsupported > LIMITS[self.family]


FAMILIES: dict[Family, str] = {
    "english": "English", "spaced": "other alphabets with spaces", "prefixing": "Arabic, Persian, Hebrew", "hangul": "Korean",
    "indic": "scripts of India", "han": "Chinese, Japanese", "thai": "Thai",
}  # fmt: skip


def sessions(folder: Path = FOLDER) -> dict[str, list[TestedSession]]:
    """Return the sessions of every language."""
    return {path.stem: list(_read(path)) for path in sorted(folder.glob("*.txt"))}


def _read(path: Path) -> Iterator[TestedSession]:
    for number, block in enumerate(path.read_text(encoding="utf-8").strip().split("\n\n"), start=1):
        lines: dict[str, list[str]] = defaultdict(list)
        for line in block.splitlines():
            lines[line[0]].append(line[2:])
        yield TestedSession(path.stem, number, lines["-"], lines["="], lines["!"])


def judged() -> list[Judged]:
    """Judge every answer: faithful ones alone and in pairs, inventions and the other sessions' answers in pairs.

    Each against its session alone (short) and, where its language has several, against all of them together
    (long); the answers of other sessions against all but their own.
    """
    return [one for language in sessions().values() for one in _of_language(language, language)]


def judged_apart() -> list[Judged]:
    """Judge, in the same way, the answers that set no limit: those of even sessions, and those that were written later."""
    known = sessions()
    later = [
        one for code, own in sessions(HELD_BACK).items() for one in _of_language(own, [*own, *known.get(code, [])])
    ]
    return [*(one for one in judged() if one.session % 2 == 0), *later]


def _of_language(language: list[TestedSession], known: list[TestedSession]) -> Iterator[Judged]:
    for own in language:
        others = [session for session in known if session is not own]
        rest = [event for session in others for event in session.events]
        pairs = [f"{first} {second}" for first, second in pairwise(own.faithful)]
        for text in (*own.faithful, *pairs):
            yield _judge(own, "faithful", text, own.events)
            yield _judge(own, "faithful", text, [*own.events, *rest], long=True)
        for text in own.invented:
            yield _judge(own, "invented", text, own.events)
            yield _judge(own, "invented", text, [*own.events, *rest], long=True)
        for text in pairs:
            for other in others:
                yield _judge(own, "invented", text, other.events)
            if others:
                yield _judge(own, "invented", text, rest, long=True)


def _judge(
    own: TestedSession, kind: Literal["faithful", "invented"], text: str, sources: Sequence[str], *, long: bool = False
) -> Judged:
    found = grounding(text, sources)
    return Judged(own.language, own.number, kind, long, found.family, found.unsupported, text)


def table(answers: Sequence[Judged]) -> list[str]:
    """Return the rows of the table in docs/language-model.md, one per language."""
    rows = []
    for language in sorted({one.language for one in answers}, key=lambda code: NAMES[code]):
        own = [one for one in answers if one.language == language]
        cells = [_cell([one for one in own if one.kind == "faithful"], refused=True)]
        cells += [_cell([one for one in own if one.kind == "invented" and one.long is long]) for long in (False, True)]
        rows.append(f"| {NAMES[language]} | {' | '.join(cells)} |")
    return rows


def family_table(answers: Sequence[Judged]) -> list[str]:
    """Return the rows of the table by family in docs/language-model.md."""
    rows = []
    for family, name in FAMILIES.items():
        own = [one for one in answers if one.family == family]
        cells = [
            _refused([one for one in own if one.kind == "faithful" and one.long is long]) for long in (False, True)
        ]
        cells += [
            _refused([one for one in own if one.kind == "invented" and one.long is long]) for long in (False, True)
        ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _refused(answers: Sequence[Judged]) -> str:
    return f"{sum(one.refused for one in answers)} of {len(answers)}"


def _cell(answers: Sequence[Judged], *, refused: bool = False) -> str:
    shares = sorted(one.unsupported for one in answers)
    bound = shares[-1] if refused else shares[0]
    return f"{sum(one.refused for one in answers)} of {len(answers)} | {bound:.2f}"
