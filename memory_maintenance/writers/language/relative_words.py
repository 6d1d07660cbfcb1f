"""The words of ``relative_dates``, by language: data, with one expression of what each means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["today", "days", "distance", "period", "next", "last", "coming"]


@dataclass(frozen=True, slots=True)
class Which:
    """What an expression says: its kind and, where it has one, its number of days or its direction."""

    kind: Kind
    number: int = 0
    spaced: bool = True


def _counted(text: str) -> dict[str, int]:
    return {form: value for value, forms in enumerate(text.split(), start=1) for form in forms.split("/")}


COUNTED: Final = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th)|times|"
    r"erste\w?|zweite\w?|dritte\w?|vierte\w?|fünfte\w?|mal|fois|première|deuxième|troisième|"
    r"vez|veces|primera?|segund[ao]|tercera?|raz|razy|pierwszy|drugi|trzeci)\b[^.!?;\n]*$",
    re.IGNORECASE,
)
"""What was counted before "in five weeks", as in "the third failure in five weeks": that is a span, and no day to come."""

COUNTS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "en": _counted("a/an/one two three four five six seven eight nine ten eleven twelve"),
        "de": _counted("einem/einer/ein/eine/einen zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
        "fr": _counted("un/une deux trois quatre cinq six sept huit neuf dix onze douze"),
        "es": _counted("un/una/uno dos tres cuatro cinco seis siete ocho nueve diez once doce"),
        "pl": _counted("jeden/jedną dwa/dwie trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście"),
    }
)  # fmt: skip

UNITS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {"day": "days?", "week": "weeks?", "month": "months?", "year": "years?"},
        "de": {"day": "tag(?:en|e)?", "week": "wochen?", "month": "monat(?:en|e|s)?", "year": "jahr(?:en|es|e|s)?"},
        "fr": {"day": "jours?", "week": "semaines?", "month": "mois", "year": "ans?|années?"},
        "es": {"day": "días?|dias?", "week": "semanas?", "month": "mes(?:es)?", "year": "años?"},
        "pl": {
            "day": "dni|dzień|dnia",
            "week": "tydzień|tygodni(?:e|a|u)?",
            "month": "miesiąc(?:e|a|u)?|miesięcy",
            "year": "rok(?:u)?|lat(?:a)?",
        },
    }
)

WEEKDAYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "en": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        "de": ("montags?", "dienstags?", "mittwochs?", "donnerstags?", "freitags?", "samstags?|sonnabends?", "sonntags?"),
        "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        "es": ("lunes", "martes", "miércoles|miercoles", "jueves", "viernes", "sábado|sabado", "domingo"),
        "pl": ("poniedziałek|poniedziałku", "wtorek|wtorku", "środę|środa|środy", "czwartek|czwartku",
               "piątek|piątku", "sobotę|sobota|soboty", "niedzielę|niedziela|niedzieli"),
    }
)  # fmt: skip

NEXT: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "en": {"last": -1, "this": 0, "next": 1},
        "de": {"letzte": -1, "letzten": -1, "letzter": -1, "letztes": -1, "vergangene": -1, "vergangenen": -1,
               "vorige": -1, "vorigen": -1, "voriges": -1, "diese": 0, "dieser": 0, "diesen": 0, "dieses": 0,
               "diesem": 0, "nächste": 1, "nächsten": 1, "nächster": 1, "nächstes": 1, "kommende": 1, "kommenden": 1,
               "kommendes": 1},
        "fr": {"dernière": -1, "dernier": -1, "passée": -1, "passé": -1, "prochaine": 1, "prochain": 1},
        "es": {"pasada": -1, "pasado": -1, "próxima": 1, "próximo": 1, "que viene": 1},
        "pl": {"zeszłym": -1, "ubiegłym": -1, "tym": 0, "przyszłym": 1},
    }
)  # fmt: skip
"""Which week, month or year: the last one, this one, the next one."""


def expressions(language: str) -> Iterator[tuple[Which, str]]:
    """Yield what to look for in a text in *language*, what must be read first before what it contains."""
    if language == "any":
        yield from ((Which("days" if number else "today", number, spaced), words) for number, words, spaced in _IN_ANY)
        return
    day = f"(?P<weekday>{'|'.join(WEEKDAYS[language])})"
    unit = f"(?P<unit>{'|'.join(UNITS[language].values())})"
    count = rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(COUNTS[language], key=len, reverse=True))})"
    which = f"(?P<which>{'|'.join(sorted(NEXT[language], key=len, reverse=True))})"
    yield from _BY_LANGUAGE[language](day, unit, count, which)


def _english(day: str, unit: str, count: str, which: str) -> Iterator[tuple[Which, str]]:
    part = "(?: (?:morning|afternoon|evening|night))?"
    yield Which("days", 2), "day after tomorrow"
    yield Which("days", -2), "day before yesterday"
    yield Which("days", 1), f"tomorrow{part}"
    yield Which("days", -1), f"yesterday{part}|last night"
    yield Which("today"), "today"
    yield Which("days", 0), "tonight|this (?:morning|afternoon|evening)"
    yield Which("distance", -1), f"{count} {unit} ago"
    yield Which("distance", 1), f"{count} {unit} from now"
    # "It was finished in two days" tells how long something took.
    yield Which("distance", 1), rf"(?<!ed )(?<!twice )(?<!once )in {count} {unit}(?! (?:of|or)\b)"
    # "The last week", "every next month" count from something else.
    yield Which("period"), f"(?<!the )(?<!each )(?<!every ){which} {unit.replace('days?|', '')}"
    yield Which("next"), f"next {day}"
    yield Which("last"), f"last {day}"
    yield Which("coming"), f"(?:this|coming|by|until|till|before) {day}"


def _german(day: str, unit: str, count: str, which: str) -> Iterator[tuple[Which, str]]:
    part = "(?: (?:früh|morgen|vormittag|mittag|nachmittag|abend|nacht))?"
    yield Which("days", 2), f"übermorgen{part}"
    yield Which("days", -2), f"vorgestern{part}"
    yield Which("days", -1), f"gestern{part}|letzte nacht"
    yield Which("today"), f"heute{part}"
    # "Guten Morgen", "am Morgen", "heute Morgen" are no tomorrow.
    yield (
        Which("days", 1),
        r"(?<!guten )(?<!am )(?<!heute )(?<!gestern )(?<!jeden )(?<!diesen )(?<!der )(?<!eines )"
        r"(?-i:morgen|(?:^|(?<=[.!?] ))Morgen(?= [a-zäöü]))(?: (?:früh|vormittag|mittag|nachmittag|abend|nacht))?",
    )
    yield Which("distance", -1), f"vor {count} {unit}"
    yield Which("distance", 1), rf"in {count} {unit}"
    yield Which("period"), rf"(?<!jede )(?<!die ){which} {unit.replace('tag(?:en|e)?|', '')}"
    yield Which("next"), f"nächste[nrs]? {day}"
    yield Which("last"), f"(?:letzte|vergangene|vorige)[nrs]? {day}"
    yield Which("coming"), f"(?:kommende[nr]?|diesen|bis(?: zum)?|vor) {day}"


def _french(day: str, unit: str, count: str, which: str) -> Iterator[tuple[Which, str]]:
    part = "(?: (?:matin|midi|après-midi|soir))?"
    yield Which("days", 2), f"après-demain{part}"
    yield Which("days", -2), f"avant-hier{part}"
    yield Which("days", 1), f"demain{part}"
    yield Which("days", -1), f"hier{part}"
    yield Which("today"), "aujourd['’]hui"
    yield Which("days", 0), "ce (?:matin|soir)|cet après-midi"
    yield Which("distance", -1), f"il y a {count} {unit}"
    yield Which("distance", 1), rf"dans {count} {unit}"
    yield Which("period"), f"(?:(?<=la )|(?<=le )|(?<=l['’])){unit} {which}"
    yield Which("next"), f"{day} prochain"
    yield Which("last"), f"{day} dernier"
    yield Which("coming"), f"(?:d['’]ici|avant|jusqu['’]à|ce) {day}"


def _spanish(day: str, unit: str, count: str, which: str) -> Iterator[tuple[Which, str]]:
    yield Which("days", 2), "pasado mañana"
    yield Which("days", -2), "anteayer|antes de ayer|antier"
    yield Which("days", -1), "ayer(?: por la (?:mañana|tarde|noche))?|anoche"
    yield Which("today"), "hoy"
    yield Which("days", 0), "esta (?:mañana|tarde|noche)"
    # "Por la mañana", "de la mañana" are the morning.
    yield Which("days", 1), "(?<!la )(?<!esta )(?<!cada )(?<!pasado )mañana(?: por la (?:mañana|tarde|noche))?"
    yield Which("distance", -1), f"hace {count} {unit}"
    yield Which("distance", 1), rf"(?:dentro de|en) {count} {unit}"
    yield Which("period"), f"(?:(?<=la )|(?<=el )){unit} {which}"
    yield Which("period"), f"(?:(?<=la )|(?<=el )){which} {unit}"
    yield Which("next"), f"próximo {day}"
    yield Which("next"), f"{day} que viene"
    yield Which("last"), f"{day} pasado"
    yield Which("coming"), f"(?:este|antes del|hasta el) {day}"


def _polish(day: str, unit: str, count: str, which: str) -> Iterator[tuple[Which, str]]:
    part = "(?: (?:rano|po południu|wieczorem|w nocy))?"
    yield Which("days", 2), f"pojutrze{part}"
    yield Which("days", -2), f"przedwczoraj{part}"
    yield Which("days", 1), f"jutro{part}"
    yield Which("days", -1), f"wczoraj{part}"
    yield Which("today"), f"(?:dzisiaj|dziś){part}"
    yield Which("distance", -1), f"{count} {unit} temu"
    yield Which("distance", 1), rf"za {count} {unit}"
    yield Which("period"), f"w {which} {unit}"
    yield Which("next"), f"w (?:przyszły|następny|przyszłą|następną) {day}"
    yield Which("last"), f"w (?:zeszły|ubiegły|zeszłą|ubiegłą) {day}"
    yield Which("coming"), f"(?:do|przed|w (?:ten|tę|najbliższy|najbliższą)) {day}"


_BY_LANGUAGE: Final = MappingProxyType({"en": _english, "de": _german, "fr": _french, "es": _spanish, "pl": _polish})

_IN_ANY: Final = (
    (2, "übermorgen|après-demain|pojutrze|послезавтра", True),
    (-2, "vorgestern|avant-hier|anteayer|przedwczoraj|позавчера", True),
    (1, "demain|jutro|завтра", True),
    (-1, "ayer|wczoraj|вчера", True),
    (0, "aujourd['’]hui|dzisiaj|dziś|сегодня", True),
    (2, "后天|後天|明後日|あさって", False),
    (-2, "前天|一昨日|おととい", False),
    (1, "明天|明日(?!香)", False),
    (-1, "昨天|昨日", False),
    (0, "今天|今日(?!は[。！!、]|头条)", False),
)
"""Words that mean the same wherever they stand."""
