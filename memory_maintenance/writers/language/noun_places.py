"""Where nouns occur in a sentence, by language: this separates subjects from verbs without a tagger.

An article or a preposition goes before a noun, a pronoun or an auxiliary before a verb or an adjective, and some
endings are hardly ever a noun's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from memory_maintenance.writers.language.languages import ALL_FUNCTION_WORDS, Language
from memory_maintenance.writers.language.number_words import NUMBER_WORDS
from memory_maintenance.writers.language.stop_words import STOP_WORDS

NOUN: Final = 0.7
"""Mean of `place_of` from which on a word is a noun."""

NO_NOUN: Final = -0.2
"""Mean of `place_of` below which a word is not a noun."""


@dataclass(frozen=True, slots=True)
class Places:
    """What stands before nouns, what before verbs and adjectives, and the endings of these.

    ``links`` join two nouns to one subject ("operación de cadera"). ``first`` says that the noun of a phrase is its
    first word, ``capital`` that every noun has a capital, ``objects`` that what follows a verb is mostly a noun.
    """

    articles: frozenset[str]
    prepositions: frozenset[str]
    others: frozenset[str]
    verbs: re.Pattern[str]
    adjectives: re.Pattern[str] | None = None
    links: frozenset[str] = frozenset()
    first: bool = False
    capital: bool = False
    objects: bool = False

    def is_known(self, word: str) -> bool:
        """Return whether *word*, in lower case, says what follows."""
        return word in self.articles or word in self.prepositions or word in self.others

    def is_noun(self, words: Sequence[str], place: float) -> bool:
        """Return whether *words*, a phrase or a word that stands at *place* on average, may name a subject."""
        head = words[0 if self.first else -1].lower()
        if place < NO_NOUN or (len(words) == 1 and self.adjectives and self.adjectives.search(head)):
            return False
        return place >= NOUN or self.verbs.search(head) is None


def place_of(words: Sequence[str], first: int, end: int, *, ends: bool, places: Places) -> float:
    """Return how much the place of ``words[first:end]`` is a noun's, from -1 (a verb's or an adjective's) to 1.

    Args:
        words: of a text, in order, with the marks between them.
        first: where the word or phrase begins.
        end: behind its last word.
        ends: whether the word that follows may name no subject.
        places: of the text's language.
    """
    word, phrase = words[first].lower(), end - first > 1
    if places.capital and not phrase and words[first][:1].islower():
        return -1.0
    before, passed = _before(words, first, places)
    if before in places.others and not passed:
        # To is followed by verbs, but not by what ends in s.
        return 1.0 if before == "to" and _PLURAL.search(words[end - 1]) else -1.0
    counted = _is_number(before)
    if before in places.prepositions or (places.objects and not passed and _is_verb(before, places)):
        if not phrase and places.verbs.search(word):
            return 0.0  # para practicar
    elif not (counted or before in places.articles) or _is_pronoun(words, first - 1, places):
        return 0.0
    elif not any(one in places.links for one in words[first:end]):
        # What an article follows may be a verb: the roofer wants 2,400.
        ends = ends and not _begins_noun(words, end, places)
        ends = ends or (not (places.first or phrase or passed) and _begins_noun(words, end + 1, places))
    if phrase:
        return 1.0 if ends and not passed else 0.0
    if places.first:
        return 0.0 if passed else 1.0
    return 1.0 if ends and not passed else 0.4 if ends or not passed else 0.0


def _before(words: Sequence[str], first: int, places: Places) -> tuple[str, bool]:
    """Return the nearest word before that says what follows, and whether one that does not is between."""
    for at in range(first - 1, max(-1, first - 3), -1):
        word = words[at].lower()
        if (
            places.is_known(word)
            or _is_number(word)
            or _is_function_word(word)
            or (places.objects and _is_verb(word, places))
        ):
            return word, at < first - 1
    return "", True


def _begins_noun(words: Sequence[str], at: int, places: Places) -> bool:
    word = words[at].lower() if at < len(words) else ""
    return word in places.articles - places.links or _is_number(word)


def _is_number(word: str) -> bool:
    return word.isdigit() or word in _NUMBERS


def _is_function_word(word: str) -> bool:
    return not word[0].isalnum() or word in STOP_WORDS or word in ALL_FUNCTION_WORDS


def _is_verb(word: str, places: Places) -> bool:
    return places.verbs.search(word) is not None and not (places.is_known(word) or _is_function_word(word))


def _is_pronoun(words: Sequence[str], at: int, places: Places) -> bool:
    """Whether what may be an article or a pronoun follows a name inside of a sentence: Sergio Prats la cambia."""
    if at <= 1 or not places.first or words[at].lower() not in _OR_PRONOUNS:
        return False
    return words[at - 1][:1].isupper() and words[at - 2][-1].isalnum()


_PLURAL: Final = re.compile("[^s]s$")
_OR_PRONOUNS: Final = frozenset({"la", "lo", "le", "les", "los", "las", "l'", "o", "a", "os", "as"})
_NUMBERS: Final = NUMBER_WORDS - frozenset({"one", "ones", "due", "un", "una", "uno", "une", "sei", "once"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _endings(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{text})$")


PLACES: Final[Mapping[Language, Places]] = MappingProxyType(
    {
        "en": Places(
            articles=_words(
                """
                a an the my your his her our their its this these those some any no every each another both many few
                several more most other
                """
            ),
            prepositions=_words("of with for from about at into without in on by during after before per between"),
            others=_words(
                """
                i you he she it we they who to can could will would should must may might do does did don't doesn't
                didn't can't couldn't won't wouldn't not never i'll i'd i'm i've you'll you're you've we'll we're we've
                he's he'll she's she'll it's it'll they're they'll they've is are was were be been being am isn't aren't
                wasn't very so too really just also always let's
                """
            ),
            verbs=_endings("ly|ing|ed|ful|ous|able|ible|less"),
        ),
        "de": Places(
            articles=_words(
                """
                der die das den dem des ein eine einen einem einer eines mein meine meinen meinem meiner meines dein
                deine deinen deinem deiner sein seine seinen seinem seiner ihr ihre ihren ihrem ihrer unser unsere
                unseren unserem unserer kein keine keinen keinem keiner im am zum zur vom beim ins ans diese dieser
                dieses diesen diesem jede jeder jedes jeden jedem
                """
            ),
            prepositions=frozenset(),
            others=frozenset(),
            verbs=_endings("(?!)"),
            capital=True,
        ),
        "fr": Places(
            articles=_words(
                """
                l' le la les un une des du au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet
                cette ces chaque quelques plusieurs
                """
            ),
            prepositions=_words("d' de en dans avec sans pour par sur sous chez vers entre depuis"),
            others=_words(
                """
                j' n' s' m' t' c' qu' je tu il elle on nous vous ils elles ne pas se me te y lui qui que plus très trop
                est sont était étaient être été a ai as ont avons avez
                """
            ),
            verbs=_endings("ment|er|ir|ez|ait|aient|ais"),
            links=frozenset({"de", "d'", "du"}),
            first=True,
            objects=True,
        ),
        "es": Places(
            articles=_words(
                """
                el la los las un una unos unas mi mis tu tus su sus nuestro nuestra nuestros nuestras al del este esta
                estos estas ese esa esos esas cada otro otra algún alguna varios varias
                """
            ),
            prepositions=_words("de en con sin para por sobre entre desde hasta"),
            others=_words(
                """
                no me te se nos os lo le les ya yo él ella ellos ellas nosotros que quien muy más tan es son era fue
                está están ser sido he ha han hay nunca siempre también aunque como si cuando porque
                """
            ),
            verbs=_endings("mente|ando|iendo|aron|ieron|[aei]mos|aba[ns]?|[óé]|[aeií]r|[aeií]rse|[aeií]rl[oae]s?|rá[ns]?"),
            links=frozenset({"de", "del"}),
            first=True,
            objects=True,
        ),
        "pl": Places(
            articles=_words(
                """
                mój moja moje mojej mojego moim moją nasz nasza nasze naszej naszego twój twoja twoje jego jej ich ten
                ta tego tej te każdy każda każde
                """
            ),
            prepositions=_words("w we na do z ze od dla za po przy przez o u bez nad pod przed między"),
            others=_words(
                "nie się ja ty on ona oni my wy jest są był była było mam ma może już bardzo tak że żeby by chcę chce"
            ),
            verbs=_endings("ć|ł|ła|ło|łem|łam|łeś|łaś|śmy|ują|uje|esz|isz|asz|emy|imy|amy|owo"),
            adjectives=_endings("ego|emu|ej|ych|ich|ymi|imi"),
            objects=True,
        ),
        "it": Places(
            articles=_words(
                """
                l' dell' nell' all' dall' sull' un' il lo la i gli le un uno una del dello della dei degli delle al allo
                alla ai agli alle dal dalla dai nel nella nei nelle sul sulla mio mia miei mie tuo tua suo sua nostro
                nostra questo questa ogni
                """
            ),
            prepositions=_words("d' con per di da in su tra fra senza"),
            others=_words(
                "non mi ti si ci vi io lui lei noi voi loro che è sono era ho ha hanno più molto già c' m' s' t'"
            ),
            verbs=_endings("mente|ando|endo|[aei]re|[aeiu]to|ava|iamo|ò"),
            links=frozenset({"di", "del", "della", "dell'"}),
            first=True,
            objects=True,
        ),
        "pt": Places(
            articles=_words(
                """
                o a os as um uma uns umas do da dos das no na nos nas ao à aos pelo pela meu minha meus minhas seu sua
                seus suas nosso nossa este esta esse essa cada outro outra
                """
            ),
            prepositions=_words("de em com sem para por sobre"),
            others=_words("não me te se eu ele ela nós eles elas que é são era foi está estão mais muito já também"),
            verbs=_endings("mente|[aei]ndo|[aei]ram|[aei]mos|ou|ei|[aei]r|ava"),
            links=frozenset({"de", "do", "da"}),
            first=True,
            objects=True,
        ),
        "nl": Places(
            articles=_words("de het een mijn je jouw haar ons onze hun deze dit die elk elke geen"),
            prepositions=_words("in op met van voor naar bij uit over door zonder"),
            others=_words("ik hij ze zij we wij niet is was ben heb heeft had heel erg te wordt kan wil zal"),
            verbs=_endings("lijke?|ende"),
        ),
        "ru": Places(
            articles=_words("мой моя моё мои моей моего наш наша нашей нашего этот эта эту этой каждый"),
            prepositions=_words("в во на с со из к ко у о об от до для за по под над при без через"),
            others=_words("не я ты он она мы вы они бы уже очень был была было есть ли что"),
            verbs=_endings("ть|ться|л|ла|ли|лись|лась|ет|ют|ит|ят|ешь|ишь"),
            adjectives=_endings("ого|его|ому|ему|ый|ая|яя|ые|ых|ыми"),
            objects=True,
        ),
    }
)  # fmt: skip
