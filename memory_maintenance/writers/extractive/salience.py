"""What makes a sentence worth keeping, or not, whatever it is about."""

from __future__ import annotations

import re
from typing import Final

from memory_maintenance.writers.extractive.cues import CORRECTION, CUES, DECIDES, PADDING, TALKING
from memory_maintenance.writers.extractive.transcript import label_of
from memory_maintenance.writers.language.dates import named_days
from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS
from memory_maintenance.writers.language.stop_words import CHATTER, OPENINGS, ROLES, UNSPACED_CHATTER
from memory_maintenance.writers.language.words import is_content, tokens

_LONGEST_GREETING: Final = 10
"""Words of a sentence like ``Hello Ana, how can I help you today?``, whose one content word is a name."""

_FIGURE: Final = re.compile(r"\d")
_MOSTLY_FIGURES: Final = 0.18
"""Share of digits from which on a text is a log or a table; a sentence full of facts has 0.13."""

_FEW_DIGITS: Final = 12
"""Digits that a short sentence may have, say an order and a sum."""

_CODE: Final = re.compile(r"(?<!\w)(?:-{1,2}[a-z][\w-]*|[\w.-]+/[\w./-]+|\w+_\w+|\w+\(\)|\w+=\S+|\w+\.\w+:\d+)")
_LEAST_CODE: Final = 0.15
"""Share of words that are options, paths or identifiers from which on a sentence is a command or its output."""

_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d")
_SIGNS: Final = re.compile(r"[<>]=?|[{}=|]|\(\)|->|::")
"""People write times without seconds and sentences without these; logs and code have both."""

_NAME: Final = re.compile(r"(?<=[a-ząćęłńóśźżäöüßéèêàçñíúа-я,;] )[^\W\d_a-zà-öø-ÿа-я][\w-]+")
_ACRONYM: Final = re.compile(r"\b[A-Z]{2,}\b")


def salience(text: str) -> float:
    """Return what *text* states beyond its subject: 1 for a plain sentence, about 3 for a decision about money.

    Adds up weights for words of decision, cause, money, outcome and constraint,
    for figures, days and names. A question, talk between two people and lines of
    a log or of code count for less than a statement, down to 0.2.
    """
    folded = text.lower()
    cues = sum(weight for weight, cue in CUES if cue.search(folded))
    facts = 0.3 * bool(_FIGURE.search(text)) + 0.2 * bool(_NAME.search(text)) + 0.4 * is_correction(text)
    dated = 1.0 * any(True for _ in named_days(text))
    return (1.0 + min(cues, 1.6) + facts + dated) * _discount(text, folded)


def _discount(text: str, folded: str) -> float:
    asks = 0.6 if text.rstrip().endswith(("?", "？")) else 1.0
    talks = 0.7 if TALKING.search(folded) and not DECIDES.search(folded) else 1.0
    pads = 0.4 if PADDING.search(folded) else 1.0
    return asks * talks * pads * (0.4 if _is_logged(text) else 1.0)


def _is_logged(text: str) -> bool:
    digits = len(_FIGURE.findall(text))
    machine = digits > max(_FEW_DIGITS, _MOSTLY_FIGURES * len(text)) or len(_SIGNS.findall(text)) > 1
    return machine or _CLOCK.search(text) is not None


def is_machine_output(text: str) -> bool:
    """Whether *text* is a line of a log, of code or of figures, or a command and its result."""
    return _is_logged(text) or len(_CODE.findall(text)) > _LEAST_CODE * len(text.split())


def is_correction(text: str) -> bool:
    """Whether *text* says that something said before does not hold."""
    return CORRECTION.search(text.lower()) is not None


def is_general(text: str) -> bool:
    """Whether *text* holds no figure and no name: nothing that it says is of this conversation alone."""
    return not any(one.search(text) for one in (_FIGURE, _NAME, _ACRONYM))


def is_small_talk(text: str) -> bool:
    """Whether *text* greets, thanks, acknowledges or encourages, and says nothing else."""
    said = without_speaker(text)
    words = tokens(said)
    if any(word.isdigit() for word in words):
        return False
    if not UNSPACED_CHATTER.sub("", said.lower()).strip(" !?.,…~。！？、，"):
        return True
    rest = [word for word in words if is_content(word) and word not in CHATTER and word not in ALL_FUNCTION_WORDS]
    opens = bool(words) and words[0] in OPENINGS
    return not rest or (opens and len(rest) == 1 and len(words) <= _LONGEST_GREETING)


def is_padding(text: str) -> bool:
    """Whether *text* offers help, announces what follows or wishes well, and holds no figure."""
    return PADDING.search(text.lower()) is not None and _FIGURE.search(text) is None


def speaker(text: str) -> str | None:
    """Return the name before the first colon of a line of a transcript, casefolded."""
    found = label_of(text)
    return found[0].partition(" (")[0].casefold() if found else None


def without_speaker(text: str) -> str:
    """Return *text* without ``Customer: `` and the like in front of it."""
    found = label_of(text)
    return found[1] if found else text


def is_role(name: str) -> bool:
    """Whether *name* says who speaks without naming anybody."""
    return name.casefold() in ROLES
