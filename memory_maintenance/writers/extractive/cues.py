"""Words that say what a sentence does: decides, explains, corrects, asks, or only wishes well."""

from __future__ import annotations

import re
from typing import Final


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})")


CUES: Final = (
    (0.6, _any(
        r"decided|decision|agreed|approved|rejected|declined|chose|chosen|settled on|signed off|concluded|go(?:ing)? with|opted"
        r"|let['’]?s (?:go with|take|do|use|keep|book|make|stick|start|meet)|we['’]ll (?:take|use|go|keep|do|book|start|stay)"
        r"|i['’]ll (?:take|use|go with|keep|book|order|stick|stay|try|ask|get|add|start)|i (?:will|want to focus|think i want)"
        r"|i think .{1,40} (?:would|will) be (?:a |an |the )?(?:great|good|perfect|best|right|excellent|ideal) (?:choice|option|fit)"
        r"|says? (?:to )?(?:drop|keep|use|take)|(?:drop|keep|use) it\b|can go\b|ok,? use\b|kann weg\b|on (?:l['’]enlève|peut s['’]en passer)|se puede (?:quitar|borrar)|można (?:usunąć|skasować)"
        r"|beschlossen|entschieden|entscheid|vereinbart|genehmigt|abgelehnt|einigten|zugestimmt"
        r"|wir nehmen|ich nehme|nehmen wir|machen wir|bleiben wir|wir bleiben bei|dabei bleibt"
        r"|décid|convenu|accord[ée]|approuv|refus[ée]|rejet[ée]|choisi|on prend\b|je prends\b|on garde\b|on reste"
        r"|decidi|acord(?:ado|aron|ó)|aprob|rechaz|acept[óa]|elig|nos quedamos|me quedo con|vamos a|tomamos\b"
        r"|zdecydowa|postanowi|uzgodni|ustalon|zatwierdz|odrzuc|zgodzi|wybra|bierzemy|biorę|zostajemy|zostańmy|weźmiemy"
        r"|решил|решен|утверд|согласил|отклон"
    )),
    (0.4, _any(r"grand total|total (?:estimated|cost|price|monthly|amount)|in total|altogether|insgesamt|au total|en total|łącznie")),
    (0.6, _any(
        r"root cause|caused by|because of|due to|turned out|culprit|diagnos\w+|lesson"
        r"|ursache|wegen|lag daran|liegt daran|diagnose|à cause|en raison|causa|debido|debió|porque|przyczyn|z powodu|bo "
        r"|причин|из-за|потому"
    )),
    (0.4, _any(
        r"fixed|resolved|shipped|released|completed|refunded|cancell?ed|merged|failed|broke|escalated|booked|bought|sold"
        r"|won|lost|started|finished|moved|hired|married|born|died|behoben|gelöst|erledigt|erstattet|gekauft|gebucht|storniert"
        r"|réglé|résolu|rembours|annul|achet|réserv|resuelt|reembols|cancel|compr[óé]|reserv|naprawi|rozwiąza|zwróc|anulow"
        r"|kupi|zarezerw|исправ|вернул|отмен|купил|заброни"
    )),
    (0.4, _any(r"error|exception|fatal|panic|crash|exhausted|fehler|erreur|fallo|błąd|ошибк")),
    (0.4, _any(
        r"deadline|due|must|never|always|allerg\w+|policy|prefers?|requires?|blocked|risk|owner|favou?rite|hates?|loves?"
        r"|frist|muss|müssen|nie|immer|bevorzugt|lieber|mag kein|délai|doit|doivent|jamais|toujours|préfère|déteste"
        r"|plazo|debe|nunca|siempre|prefiere|odia|termin|musi|nigdy|zawsze|woli|nie lubi|срок|нужно|должн|никогда|всегда"
        r"|предпочита"
    )),
    (0.3, _any(
        r"found|finding|result|measured|confirmed|concern|hypothesis|evidence|plan is|next step|plan(?:s|ning)? to|going to"
        r"|ergebnis|bestätigt|gefunden|plant|résultat|confirm|trouv|prévoit|resultado|encontr|piensa|wynik|potwierdz"
        r"|znalaz|planuje|результат|подтверд|нашёл|нашел|планирует"
    )),
    (0.5, re.compile(r"决定|批准|同意|拒绝|原因|必须|截止|改为|更正|確定|決ま|決定|必要|理由|訂正|希望|アレルギー|過敏")),
    (0.5, re.compile(r"[$€£¥₹] ?\d|\d ?[€£¥₽]|\b\d[\d.,]* ?(?:k|usd|eur|gbp|chf|euros?|dollars|pounds|zł|złot|pln|руб|元|円|원)")),
)  # fmt: skip
"""Weights of words that announce a decision, a total, a cause, an outcome, an error, a constraint, a finding or money."""

DECIDES: Final = CUES[0][1]
"""What says that something is decided."""

INTENDS: Final = re.compile(
    r"\b(?:i['’]ll|i will|i don['’]t (?:trust|want|like|need)|i['’]d rather|ich werde|ich will|ich möchte|ich traue|je vais|je (?:ne )?veux"
    r"|voy a|(?:no )?quiero|no confío|będę|zamierzam|(?:nie )?chcę|nie ufam)\b"
)
"""What a user says of what he will do."""

TALKING: Final = re.compile(
    r"\b(?:i'll|i’ll|let me|shall i|can you|could you|would you|i'm sorry|i’m sorry|you're welcome|do you|have you"
    r"|können sie|könntest du|kannst du|pouvez-vous|peux-tu|puede usted|puedes|podría|czy może|mógłbyś)\b"
)
OPENING: Final = re.compile(
    r"(?:(?:oh|also|well|so|now|however|anyways?|actually|overall|finally|lastly|thus|plus|additionally|furthermore|moreover|in addition|in fact"
    r"|übrigens|außerdem|apropos|au fait|d['’]ailleurs|par ailleurs|en fait|cependant|toutefois|sin embargo|por cierto|además|bueno|pues|przy okazji|poza tym|кстати)"
    r",|by the way,?|speaking of (?:which|that|[^,.]{1,40}(?=,)),?|and|und|et|y)\s+(?=\S+(?:\s+\S+){2})",
    re.IGNORECASE,
)
"""Words that only join a sentence to the one before it."""

REQUEST: Final = re.compile(
    r"\b(?:i(?:['’]d| would) (?:really |also )?(?:like|love) (?:to (?:know|learn|explore|ask|hear|see|talk|understand|get|dive|discuss)|some\b|more\b)"
    r"|i(?:['’]?m| am) (?:\w+ )?(?:curious|wondering|interested in (?:learning|exploring|knowing|hearing|understanding|finding))|i was wondering"
    r"|(?:looking for|need|want|like) (?:some |a few |any |more )?(?:good )?(?:advice|tips|help|guidance|recommendations?|ideas|suggestions?|information|examples)"
    r"|(?:can|could|would|will) you|do you (?:know|have|think)|any (?:tips|ideas|advice|suggestions|recommendations)|(?:tell|show) me|give me"
    r"|ich (?:suche|brauche) (?:\w+ )?(?:tipps|hilfe|rat|ideen|vorschläge)|ich (?:würde|wüsste) gern|mich interessiert|kannst du|können sie"
    r"|je (?:cherche|voudrais|aimerais) (?:\w+ )?(?:des conseils|savoir|connaître|de l['’]aide)|peux-tu|pouvez-vous"
    r"|me gustaría (?:saber|conocer)|busco (?:consejos|ideas|ayuda)|puedes|podrías|szukam (?:porad|pomocy)|chciał[a]?bym wiedzieć|czy możesz)\b"
)
"""What asks for something and tells nothing of who asks."""

SOLVES: Final = re.compile(
    r"\b(?:i(?:['’]d| would)? (?:recommend|suggest)|to (?:handle|fix|solve|resolve|avoid|prevent|work around) (?:this|that|it|these|the)"
    r"|the (?:fix|solution|workaround|answer) is|ich (?:empfehle|würde \w+ empfehlen)|um (?:das|dies|es) zu (?:beheben|lösen|vermeiden|umgehen)"
    r"|die lösung ist|je (?:te |vous )?recommande|pour (?:éviter|résoudre|corriger) (?:cela|ça|ce)|la solution est"
    r"|(?:te |le )?recomiendo|para (?:evitar|resolver|solucionar|corregir)(?:lo|la| esto| eso)|la solución es"
    r"|polecam|aby (?:to|tego) (?:naprawić|rozwiązać|uniknąć)|rozwiązaniem jest)\b"
)
"""What an assistant recommends, or says to do about a problem."""

THESE: Final = re.compile(
    r"\b(?:these|those|(?:one|some|any|all|each) of the\b|diese[mnr]?|ces|estos|estas|te|tych)\s+\w", re.IGNORECASE
)
"""What points at things that somebody else named."""

ENDS_BACK: Final = re.compile(
    r"\b(?:(?:about|of|for|with|to|on|at) (?:it|that|them|those|this|these)|davon|damit|darüber|daran|dafür"
    r"|(?:de|con|por|para) (?:eso|esto|ello|ellos)|(?:de|avec|pour) (?:ça|cela)|(?:o|z|do|na) (?:tym|tego|nich|nim))\W*$",
    re.IGNORECASE,
)
"""An end that leaves what is spoken of to another sentence: ``I've heard great things about it.``"""

PADDING: Final = re.compile(
    r"^(?:wow|awesome|amazing)\b|it['’]s (?:so |really )?(?:amazing|fascinating|great|wonderful|awesome|impressive|inspiring)"
    r"|so (?:impressive|fascinating|inspiring|helpful)|wish you|^(?:now,? )?let['’]s (?:tackle|dive|get|look)|thanks (?:for|so)"
    r"|is (?:an? )?(?:truly |really |such an? )?(?:great|wonderful|fantastic|excellent|amazing|fun) (?:way|opportunity|next step|destination)"
    r"|^(?:these|those) are (?:just|only) (?:a few|some)|(?:will|may|can|might) vary (?:depending|based)|can be a valuable resource|hope (?:\w+ ){1,3}helps?\b|^(?:that|this|it|(?:this|the) (?:plan|list)) (?:looks|sounds) (?:\w+ )?(?:good|great|solid|perfect)[.!]?$"
    r"|it['’]ll be (?:great|fun|nice|exciting|interesting) to|can (?:offer|provide) a unique perspective|(?:important|crucial|essential|key) (?:step|part|aspect|consideration) (?:in|of|to)\b|^that['’]s a comprehensive \w+, thanks|^you mentioned|narrow (?:it|this|that) down|is constantly evolving"
    r"|let me know (?:if|how|what)|feel free to|good luck|best of luck|happy (?:to help|\w+ing)\b"
    r"|enjoy (?:your|the)\b|have (?:a )?(?:great|fun|good|safe|wonderful|nice|lovely)|you['’]re (?:very )?welcome"
    r"|i['’]?d be (?:happy|glad|delighted|more than)|i['’]?m (?:happy|glad|here|always here|excited) (?:to|for)"
    r"|that['’]?s (?:a |an |so |really )?(?:great|fantastic|awesome|wonderful|excellent|amazing|lovely|cool|nice|helpful|good to)"
    r"|what an? (?:great|wonderful|lovely|fantastic)|^(?:great|good|excellent) (?:question|choice|idea|point)|congratulations|congrats"
    r"|^(?:sure|certainly|absolutely|of course)[,!.]|here (?:are|is|'s) (?:some|a few|an?|the|\d+)\b|as an ai|language model"
    r"|you['’]ve got this|you can do it|keep up|don['’]t hesitate|any (?:other|more|further) questions|anything else"
    r"|safe travels|sounds? (?:like an?|like (?:great|good|fun)|great|good|amazing|fun)|so (?:proud|happy|glad) (?:of|for)|can['’]t wait|take care"
    r"|good to (?:see|hear)|great to (?:see|hear)|nice to (?:see|hear)|talk (?:to you )?(?:soon|later)|see you|by the way$"
    r"|how (?:are|have) you|how['’]?s it going|what['’]?s (?:up|new)|long time no"
    r"|^let me (?:check|look|see)|ich (?:schaue|sehe) (?:mir das )?(?:gleich )?(?:mal )?nach|schaue mir das gleich|сейчас посмотрю"
    r"|^lo reviso|^je (?:regarde|vérifie)|już sprawdzam"
    r"|viel (?:erfolg|spaß|glück)|melden sie sich|melde dich|ich hoffe|weitere fragen|wie geht es|wie kann ich"
    r"|schöne[nrs]? (?:tag|abend|wochenende)|gern geschehen|freut mich|n['’]hésite|j['’]espère|bonne (?:chance|journée|soirée)"
    r"|avec plaisir|je peux vous aider|puis-je|comment (?:vas-tu|allez-vous|ça va)|content[e]? de|no dude|espero que|buena suerte"
    r"|con mucho gusto|puedo ayudar|cómo estás|qué tal|me alegr|powodzenia|mam nadzieję|w czym mogę|daj znać|miłego|cieszę się"
    r"|co słychać|jak się masz|удачи|надеюсь|чем могу|рад[а]? (?:помочь|слышать)|как дела"
)
"""Pep talk, offers and announcements: what an answer says around what it says."""

CORRECTION: Final = re.compile(
    r"\b(?:correction|corrected|no longer|scrap (?:that|the)|changed (?:from|to|our)|moved (?:from|to)"
    r"|revised|supersedes?|was wrong|were wrong|not true|i misread|i misspoke|typo"
    r"|ignore (?:that|the|my)|rather than|instead of|update(?=:)|, not \w+"
    r"|korrektur|berichtigung|doch nicht|nicht mehr|stattdessen|statt\b|sondern|korrigiert|verschoben (?:auf|von)"
    r"|correction|rectificati|au lieu de|plutôt que|finalement|ne (?:sera|est) plus|reporté|et non"
    r"|corrección|rectifica|en (?:lugar|vez) de|ya no|y no (?:el|la|en)|se (?:cambió|aplazó|movió)"
    r"|poprawka|sprostowanie|zamiast|jednak nie|już nie|a nie|przeniesion|zmienion|przesunięt"
    r"|исправление|поправка|вместо|больше не|а не\b|перенес)"
    r"|更正|改为|改成|不是|而不是|訂正|変更|ではなく|정정|변경"
)

UNITS: Final = frozenset(
    """
    % am pm a.m p.m uhr h min minutes minuten hours stunden days tage weeks months years percent prozent pour cent procent
    eur euro euros usd dollars dollar chf gbp pounds zł złotych pln mg g kg ml l km m cm mm gb mb tb ms s seconds
    рублей рубля руб ₽ kr nok sek грн лир lira tl degrees grad people persons guests personen personnes personas osób items pieces
    """.split()
)
VALUE_AFTER: Final = frozenset(
    """
    = : is are was were at to by from of about until for costs takes has have now ist sind war auf um bei von bis kostet
    est sont à de coûte es son a las cuesta jest są o do na wynosi kosztuje
    """.split()
)  # fmt: skip
TITLES: Final = frozenset(
    "mr mrs ms dr prof sir nurse herr frau monsieur madame mme mlle señor señora sr sra don doña pan pani pana panią".split()
)

LEANS_ON: Final = frozenset(
    """
    it that this they these those he she so and but also then es das sie er und aber ça cela il elle ils elles et mais
    eso esto ella ellos y pero to on ona oni ale i это он она они но и
    """.split()
)
YES_OR_NO: Final = frozenset(
    "yes no not yeah nope only ja nein nur oui non seulement sí no solo tak nie tylko да нет".split()
)
