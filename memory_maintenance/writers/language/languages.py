"""Which language a text is written in, as far as this library has words for it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Literal

Language = Literal["en", "de", "fr", "es", "pl", "it", "pt", "nl", "ru"]
Script = Literal["latin", "cyrillic", "greek", "arabic", "hebrew", "indic", "hangul", "unspaced", "other"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS: Final[Mapping[Language, frozenset[str]]] = MappingProxyType(
    {
        "en": _words(
            """
            a about after all also am an and any are as at be because been before but by can could did do does for
            from had has have he her his how i if in into is it its just me more my no not of on or our out over she
            should so some than that the their them then there these they this to today tomorrow too until up us was we
            were what when where which who why will with would yesterday you your yours
            """
        ),
        "de": _words(
            """
            aber alle als also am an auch auf aus bei beim bin bis bist da damit dann das dass dem den der des die dies
            diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es euch für gestern hat
            hatte habe haben heute hier ich ihm ihn ihr ihre ihren im in ins ist ja jetzt kann kein keine können man
            mehr mein meine mich mir mit morgen muss nach nicht noch nun nur ob oder schon sehr sich sie sind so soll
            sondern um und uns unser unsere vom von vor war warum was wegen wenn wer werden wie wir wird wurde wurden zu
            zum zur zwei übermorgen vorgestern
            """
        ),
        "fr": _words(
            """
            à afin ai après au aujourd'hui aussi autre aux avant avec avez avoir avons bien c'est car ce cela ces cet
            cette chez comme comment d'accord dans de demain depuis des dix donc du elle elles en encore entre est et
            été être eu faire fait hier il ils j'ai je jusqu'à l'a la le les leur leurs lui ma mais me mes moi mon ne
            nos notre nous n'est on ont ou où par parce pas plus pour pourquoi qu'il qu'elle que quel quelle qui s'est
            sa sans se sera ses si son sont sous sur ta tes toi ton tous tout très tu un une vers votre vous y
            """
        ),
        "es": _words(
            """
            a al algo antes aquí así aunque ayer bien cada como con cuando cuál de del desde después dice donde dos el
            él ella ellos en entre era es esa ese eso esta está están este esto fue ha hace hasta hay he hoy la las le
            les lo los mañana más me mi mis muy nada ni no nos nosotros o os otra otro para pero por porque que qué
            quien se ser si sí sin sobre solo son su sus también tan te tengo tiene tu un una uno unos y ya yo
            """
        ),
        "pl": _words(
            """
            a albo ale bardzo bez bo być był była było były co czy dla do dla dziś dzisiaj gdy gdzie go i ich ile im ja
            jak jako je jego jej jest jestem już kiedy kto która które który ma mam mi mnie może można my na nad nam nas
            nie niż o od on ona one oni oraz po pod poza przed przez przy raz są się ta tak tam te tego tej ten to tu ty
            tylko tym u w we więc wszystko wczoraj z za za że jutro pojutrze
            """
        ),
        "it": _words(
            """
            a ad al alla alle anche che chi ci come con cosa da dal dalla dei del della delle di dopo e è era essere fra
            gli ha hai hanno ho i il in io l'ha la le lei lo loro lui ma mi mio nel nella noi non o oggi per perché più
            poi prima quando quella quello questa questo se sei si sono su sua sul suo tra tu un una uno voi domani ieri
            """
        ),
        "pt": _words(
            """
            a ao aos as até com como da das de depois do dos e ela ele em entre era está eu foi há hoje isso já lhe mais
            mas me meu minha muito na não nas no nos o os ou para pela pelo por porque quando que quem se sem ser seu
            sua são também te tem um uma você vocês amanhã ontem
            """
        ),
        "nl": _words(
            """
            aan al als bij dan dat de deze dit door een en er geen haar had heb heeft het hier hij hoe ik in is je
            kan maar meer met mijn na naar niet nog nu of om omdat ons ook op over te toen tot uit van voor was wat we
            wel werd wie wij worden ze zij zijn zo zou vandaag morgen gisteren
            """
        ),
        "ru": _words(
            """
            а без бы был была было были в вам вас во вот вы где да для до его ее её если есть еще ещё же за и из или им
            их к как когда кто ли мне мы на над нам нас не него нее нет но ну о об он она они от по под после потом что
            при про раз с со так там то только у уже чем через эта эти это этот я завтра вчера сегодня
            """
        ),
    }
)
"""The words that hold a sentence together, by language: what tells it from the others, and no topic in any."""

ALL_FUNCTION_WORDS: Final = frozenset().union(*FUNCTION_WORDS.values())

_LETTERS: Final[Mapping[Language, frozenset[str]]] = MappingProxyType(
    {"de": frozenset("äöüß"), "fr": frozenset("çœêûî"), "es": frozenset("ñ¿¡"), "pl": frozenset("ąęłńśźż"),
     "pt": frozenset("ãõ")}
)  # fmt: skip
"""Letters that count as one of a language's words."""

_LANGUAGES_OF: Final[Mapping[str, tuple[Language, ...]]] = {
    word: tuple(language for language, known in FUNCTION_WORDS.items() if word in known) for word in ALL_FUNCTION_WORDS
}

_FEWEST: Final = 2
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_READ: Final = 4_000


def language_of(text: str) -> Language | None:
    """Return the language of *text*: the one most of whose function words it has, None where two are as likely.

    One word is enough for a text of up to four; a longer one needs two, and a seventh of its words.
    """
    lower = text[:_MOST_READ].lower()
    words = [word.replace("’", "'") for word in _WORD.findall(lower)]
    hits = Counter(dict.fromkeys(FUNCTION_WORDS, 0))
    hits.update(language for word in words for language in _LANGUAGES_OF.get(word, ()))
    letters = set(lower)
    hits.update({language: 1 for language, own in _LETTERS.items() if letters & own})
    (first, most), (_, second) = hits.most_common(2)
    needed = 1 if len(words) <= 2 * _FEWEST else max(_FEWEST, len(words) / 7)
    return first if most >= needed and most > second else None


def language_of_all(texts: Sequence[str]) -> Language | None:
    """Return the language of *texts* as a whole, read from their beginnings."""
    share = max(80, _MOST_READ // max(1, len(texts)))
    return language_of("\n".join(text[:share] for text in texts))


_BLOCKS: Final[tuple[tuple[str, Script], ...]] = (
    ("LATIN", "latin"),
    ("CYRILLIC", "cyrillic"),
    ("GREEK", "greek"),
    ("ARABIC", "arabic"),
    ("HEBREW", "hebrew"),
    ("HANGUL", "hangul"),
    ("CJK", "unspaced"),
    ("HIRAGANA", "unspaced"),
    ("KATAKANA", "unspaced"),
    ("THAI", "unspaced"),
    ("LAO", "unspaced"),
    ("MYANMAR", "unspaced"),
    ("KHMER", "unspaced"),
    *((name, "indic") for name in ("DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "GUJARATI")),
    *((name, "indic") for name in ("GURMUKHI", "ORIYA", "SINHALA")),
)


def script_of(text: str) -> Script:
    """Return the script of most letters of *text*; a letter of a script without spaces counts as three."""
    counted: Counter[Script] = Counter()
    for letter in filter(str.isalpha, text[:_MOST_READ]):
        script = script_of_letter(letter)
        counted[script] += 3 if script == "unspaced" else 1
    return max(counted, key=lambda script: (counted[script], script), default="other")


@lru_cache(maxsize=16384)
def script_of_letter(letter: str) -> Script:
    """Return the script of one letter, by its name in Unicode."""
    name = unicodedata.name(letter, "")
    return next((script for begins, script in _BLOCKS if name.startswith(begins)), "other")
