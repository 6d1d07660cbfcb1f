"""Words that say that something is so now, no longer, perhaps, or instead of something else; in five languages."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOW: Final = _words(
    "now currently meanwhile jetzt nun inzwischen mittlerweile maintenant désormais ahora actualmente teraz obecnie"
)
"""What a sentence says besides that its value is the present one."""

NO_LONGER: Final = (
    (re.compile(r"\bno longer\b"), ""),
    (re.compile(r"\bnicht mehr\b"), ""),
    (re.compile(r"\bn(?:e |')(\S+) plus\b"), r"\1"),
    (re.compile(r"\bya no\b"), ""),
    (re.compile(r"\bjuż nie\b"), ""),
)  # fmt: skip
"""What says that the rest of the sentence holds no longer, and what stands there where it does."""

FROM_TO: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:moved|changed|rescheduled|postponed|raised|lowered|increased|reduced|switched) from (?P<old>.+ to .+)",
        r"\b(?:vom|von) (?P<old>.+ (?:auf|nach|zum) .+(?:verschoben|verlegt|geändert|erhöht|gesenkt|gezogen|umgestellt))",
        r"\b(?:déplacée?s?|passée?s?|passe|reportée?s?|avancée?s?|augmentée?s?|déménagé) (?:du |de |d')(?P<old>.+ (?:au|à|en) .+)",
        r"\b(?:movió|cambió|pasó|pasa|aplazó|subió|bajó|trasladó|mudó) (?:del|de) (?P<old>.+ (?:al|a) .+)",
        r"\b(?:przenies\w+|przesunię\w+|zmienion\w+|podniesion\w+|obniżon\w+|przeprowadził\w*)(?: się)? (?:ze|z) (?P<old>.+ (?:na|do) .+)",
    )
)  # fmt: skip
INSTEAD: Final = tuple(
    re.compile(rf"\b(?:{pattern}) (?P<old>.+)", re.IGNORECASE)
    for pattern in (
        "instead of|rather than", "statt|anstatt|anstelle von", "au lieu d[eu]|plutôt que", "en (?:lugar|vez) del?", "zamiast",
    )
)  # fmt: skip
CHANGE_WORDS: Final = _words(
    """
    moved changed rescheduled postponed raised lowered increased reduced switched instead rather than
    verschoben verlegt geändert erhöht gesenkt gezogen umgestellt statt anstatt anstelle
    déplacé déplacée déplacés déplacées passé passée passe reporté reportée avancé avancée augmenté augmentée déménagé lieu plutôt
    movió cambió pasó pasa aplazó subió bajó trasladó mudó lugar vez
    przeniesiono przeniesiony przeniesiona przeniesione przesunięto przesunięty przesunięta przesunięte zmieniono zmieniona
    zmieniony zmienione podniesiono podniesiona obniżono obniżona przeprowadził przeprowadziła zamiast
    """
)

HEDGES: Final = _words(
    """
    maybe perhaps possibly probably might could would should if unless whether considering considers think thinks plan plans
    planned planning propose proposes proposed suggest suggests suggested idea hopefully expected wants want wish hopes say said
    says claims asked asks wonders rumour draft option
    vielleicht eventuell möglicherweise wahrscheinlich könnte könnten würde würden sollte sollten falls wenn ob plant planen geplant
    überlegt überlegen vorschlag vorgeschlagen schlägt möchte möchten will wollen sagt sagte
    peut-être probablement pourrait pourraient serait devrait si prévoit prévu envisage propose proposé souhaite veut dit
    quizá quizás acaso posiblemente probablemente podría podrían sería debería si piensa planea propone propuso quiere dice
    może być-może chyba prawdopodobnie mógłby mogłaby mogłoby byłby byłoby jeśli gdyby czy planuje planowane rozważa proponuje
    proponowano chce mówi
    """
)
"""Words of a plan, a condition, a wish, or of what somebody else says."""

NEGATIONS: Final = _words(
    """
    not no never neither nor cannot can't don't doesn't didn't isn't aren't wasn't weren't won't hasn't haven't without
    nicht kein keine keinen keinem keiner nie niemals ohne
    ne pas jamais aucun aucune sans
    nunca jamás tampoco sin
    nie nigdy bez
    """
)

PASSING: Final = _words(
    """
    today tonight yesterday tomorrow just ago
    heute gestern morgen eben gerade vorhin
    aujourd'hui hier demain
    hoy ayer mañana
    dziś dzisiaj wczoraj jutro
    """
)
"""Words of what holds for a day."""

ONE_OF_MANY: Final = _words(
    """
    another also too second third each every some one other
    auch weitere weiterer zweite zweiter jede jeder jeden manche
    aussi autre chaque deuxième
    también otro otra cada segundo segunda
    też także również inny inna drugi druga każdy każda
    """
)
"""Words of one among several: what is said of another one is no new value of the first."""

INDEFINITE: Final = _words("a an some ein eine einer un une una uno unos unas")
"""The same where a sentence begins with them."""

PERSONS: Final = _words(
    """
    i i'm i've i'd me my mine we us our you your he him his she her they them their it its this that these those
    ich mich mir mein meine meinen meinem meiner wir uns unser unsere dich dir dein deine er sie ihr ihre ihren ihm ihn sein
    seine seinen dieser diese dieses
    je j'ai moi mon ma mes nous notre nos vous votre vos tu ton ta tes il elle ils elles lui leur leurs sa ses cela ça
    yo mi mis nosotros nuestro nuestra tú tu tus usted él ella ellos ellas su sus esto eso
    ja mnie mój moja moje my nasz nasza ty twój twoja ona oni one jego jej ich
    """
)
"""Words of which only what was said before tells of whom or what they speak."""

STATES: Final = _words(
    """
    is are costs cost runs starts begins ends closes opens leaves arrives lives works sits stands hangs lies meets takes weighs
    expires equals amounts reads
    ist sind kostet kosten beträgt läuft startet beginnt endet schließt öffnet fährt kommt liegt steht hängt wohnt lebt arbeitet dauert
    wiegt gilt lautet heißt findet
    est sont coûte coûtent commence finit termine ouvre ferme part arrive habite vit travaille dure pèse expire
    es son está están cuesta cuestan empieza comienza termina acaba abre cierra sale llega vive trabaja dura pesa vence
    jest są kosztuje kosztują wynosi zaczyna kończy otwiera zamyka odjeżdża przyjeżdża mieszka pracuje stoi leży wisi trwa waży
    """
)
"""Verbs in the present tense that give their subject a value, a time or a place."""

AUXILIARIES: Final = _words("is are ist sind est sont es son está están jest są")
"""Those that give whatever the older sentence's verb gave."""

OCCUPATIONS: Final = _words("works arbeitet travaille trabaja pracuje")
"""Those whose place stays where somebody moves."""

ORIGINS: Final = _words("from aus von vom de du del d z ze")
"""What stands before a place that somebody comes from."""

WEEKDAY_NAMES: Final = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miércoles jueves viernes sábado domingo
    poniedziałek wtorek środa środę czwartek piątek sobota sobotę niedziela niedzielę
    poniedziałku wtorku środy czwartku piątku soboty niedzieli
    """
)
