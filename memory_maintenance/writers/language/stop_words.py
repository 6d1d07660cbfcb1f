"""Words that say nothing on their own: the glue of English, and the small talk of chats."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS: Final = _words(
    """
    a about above after again against all also am an and any are aren't around as at be because been before being
    below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down
    during each either else ever every few for from further get gets getting got had hadn't has hasn't have haven't
    having he he'd he'll he's her here here's hers herself him himself his how how's however i i'd i'll i'm i've if
    in into is isn't it it'd it'll it's its itself just let's like many may me might more most much must my myself
    neither no nor not now of off on once one only onto or other ought our ours ourselves out over own per quite
    rather really same shall she she'd she'll she's should shouldn't since so some still such than that that's the
    their theirs them themselves then there there's these they they'd they'll they're they've this those though
    through till to too toward towards under unless until up upon us very via was wasn't we we'd we'll we're we've
    were weren't what what's when when's where where's whether which while who who's whom whose why why's will with
    within without won't would wouldn't yet you you'd you'll you're you've your yours yourself yourselves
    """
)
"""Closed-class words of English and their contractions, in lower case."""

ASSISTANTS: Final = _words(
    """
    agent ai assistant assistante assistent assistentin asistente asystent asystentka bot chatbot helpdesk model support
    ассистент помощник бот поддержка 助手 助理 客服 机器人 アシスタント ボット サポート 상담원 어시스턴트
    """
)
"""Who answers in a transcript when no name is given."""

ROLES: Final = ASSISTANTS | _words(
    """
    benutzer benutzerin caller client cliente clienta cliente customer human klient klientka kunde kundin moderator
    nutzer nutzerin operator system tool user usuario usuaria utilisateur utilisatrice użytkownik użytkowniczka
    пользователь пользовательница клиент клиентка система 用户 客户 系统 ユーザー お客様 顧客 システム 사용자 고객
    """
)
"""Who speaks in a transcript when no name is given."""

TOPIC_LABELS: Final = _words(
    """
    action actions agenda answer assessment attention aufgabe beschluss blocker budget bug cause caution change
    comment conclusion confirmed context correction cost decision decided deadline decyzja description details done
    entscheidung error evidence example fact failed fix finding findings fixed follow-up frage goal hint hypothesis
    idea important info issue item key kosten lesson link list measured minutes need next note notes ok option
    order outcome owner pager plan poprawka problem progress prompt question reason reminder report request resolved
    result results root rule status step steps subject suggestion summary task tip title todo topic update verdict
    warning workaround work-around ziel
    achtung befund ergebnis fazit fehler frist grund hinweis info korrektur lösung notiz plan problem status stand
    thema ursache vereinbart
    attention but cause conclusion correction décision détail erreur exemple idée note objectif problème question
    raison remarque rectificatif résultat résumé statut sujet tâche
    acuerdo aviso causa conclusión corrección decisión ejemplo error hecho idea nota objetivo plazo problema pregunta
    razón resultado resumen tarea tema
    błąd cel fakt pomysł powód problem przykład pytanie sprawdzono sprostowanie status termin ustalono uwaga wniosek
    wynik zadanie
    важно вопрос вывод дата заметка исправление ошибка план пример причина проблема решение срок факт цель
    更正 注意 决定 原因 故障原因 结论 问题 备注 教训 訂正 注意 決定 原因 結論 教訓 備考 정정 결정 교훈
    """
)
"""Words before a colon that announce a subject and are no speaker's name."""

WEEKDAY_NAMES: Final = _words(
    """
    mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag lundi mardi mercredi jeudi vendredi samedi
    dimanche lunes martes miércoles jueves viernes sábado domingo poniedziałek wtorek środa środę czwartek piątek
    sobota sobotę niedziela niedzielę понедельник вторник среда среду четверг пятница пятницу суббота субботу
    воскресенье lunedì martedì mercoledì giovedì venerdì sabato domenica
    """
)

CHATTER: Final = _words(
    """
    afternoon ah alright amazing anytime appreciate appreciated awesome bye check checking cheers coffee cool day
    doing evening everyone excellent fantastic fine folks glad going good goodbye got great guys ha haha happy hear
    hello help helped helpful helping hey hi hiya hmm hold hope hot know let lol look looking lovely luck makes
    minute moment morning nice night no nope noted oh ok okay one perfect please pleasure problem questions quick
    right sec second see sense sorry sounds sure take talk team thank thanks there thing think time today tomorrow
    understood wait way weather weekend welcome well wonderful work works worries yeah yep yes
    absolutely agreed anyway aw aww bro btw buddy congrats congratulations crazy cute damn dear definitely dude enjoy exactly
    excited excuse fingers friend fun gonna gotta gosh guess huh hugs hurray incredible indeed insane interesting kinda
    literally love loved luckily man mate omg oops proud really seriously sweet totally true ugh welcome whoa woah wow yay
    yup
    antwort schnell schnelle rasche réponse rapide respuesta rápida szybką odpowiedź
    abend alles auch bald bis bitte danke dank dir dann gern gerne gespannt geht gehts genau geschehen gut gute guten
    hallo herzlich ihnen ja jo klar klasse liebe lieber moin morgen na nein okay prima schön schöne schönen schönes
    servus sehr sicher sofort stimmt super tag toll tschüss viel viele vielen wochenende wunderbar
    accord adieu beaucoup bien bientôt bisous bonjour bonne bonsoir cher chère ciao content coucou entendu excellent
    formidable génial heureux journée merci merveilleux oui parfait plaisir prie ravi ravie rien salut soirée super
    volontiers
    abrazo adiós alegra buena buenas bueno buenos chao claro cuídate días encantado encantada estupendo excelente
    fantástico genial gracias gusto hola igualmente luego muchas nada noches perfecto saludos seguro sí tardes vale venga
    cześć dobra dobranoc dobry dobrze dzień dzięki dziękuję elo fajnie hej jasne miłego mnie oczywiście okej pa pozdrawiam
    pewnie proszę rozumiem serdecznie siema spoko super świetnie tak usług widzenia wieczór witam zaraz
    благодарю большое вам вечер добрый доброе здравствуйте конечно ладно отлично пожалуйста понятно привет сейчас спасибо
    супер утро хорошо
    """
)
"""Words that make up greetings, thanks and acknowledgements; a sentence of nothing else is small talk."""

OPENINGS: Final = _words(
    """
    afternoon ah bye cheers evening goodbye ha haha hello hey hi hiya hmm lol morning oh ok okay thank thanks
    welcome wow yay yeah yep
    danke hallo moin servus tschüss vielen guten bonjour bonsoir coucou merci salut hola gracias adiós buenos buenas
    cześć dzień dzięki dziękuję hej witam здравствуйте привет спасибо
    """
)
"""A short sentence that starts with one of these and has at most one other content word greets or thanks someone."""

FILLER: Final = _words(
    """
    actually add added agreed another anything apr april arrived asap ask asked asking asks aug august bad basically
    became become began begin best better big bit bought call called came carries carry cent cents change changed
    changes check checked checking closed come comes confirm confirmed contact day days dec december decided
    definitely dollars ends enough eur euro euros even everything example fact fail failed fails feb february feel
    felt fine first five found four free friday full gave give given go goes going gone great half happen happened
    hit hits hour hours ignore ignores inches item items jan january jul july jun june keep keeps kept kind known
    last later least left let little long lot lots made make makes making mar march max mean means mention mentioned
    min minus minute minutes mode monday month months move moved moves need needed needs never new next noted
    nothing nov november number oct october old ones open part people percent plan plus point possible pounds
    probably put reach ready report reported reports request requested requests run running said saturday saw say
    saying says see seem seemed seems seen send sends sent sep sept september set several show showed shows side
    simply size someone something soon square start started state stay sunday sure take taken takes talk tell thing
    things think thought three thursday time times today told tomorrow took tried try trying tuesday turn turned two
    activities activity advice amazing appreciate available aware basic common consider considering create created creating
    curious current currently different easy effective ensure examples experience experiences explore exploring feature
    features following fun general hear heard helpful ideas idea important improve include includes including incorporate
    information interested interesting learn learning main maybe multiple option options order overall perfect plan
    planning popular process provide provides providing recently recommend recommendation recommendations recommended
    related research resources resource simple specific suggest suggestion suggestions sure sounds steps step thinking tip
    tips tricks type types unique various wonder wondering based certain close couple doing especially event excited
    focus full getting happening inspired kind live likely looking love making mean mind note play potential pretty
    remember season share similar special stay strategies style successful taking task team trying understand value
    version view watch worth writing
    update updated usd use used user uses using want wanted wants way wednesday week went whole work worked working
    works write wrong wrote year years yesterday
    across along alongside always amongst beside despite less often others outside overnight throughout together tonight
    bore bound broke broken brought built caught chose chosen cost costs drove dug fed fell flew forgot forgotten fought froze
    grew held hurt hurts laid lay lent lost met paid rang rode rose sang sank sat shook shot slept sold spent spoke stays
    stood stole stuck swam swore taught threw tore understood woke won wore
    kilometer kilometern kilometers kilometres kilomètres kilómetros
    gegen hinter mal minute minuten monat monate monaten neben ohne seit stunde stunden tag tage tagen uhr unter woche
    wochen jahr jahre jahren zwischen freund freunde freundin
    an ans année années autre autres devant fois heure heures jour jours minutes mois prochain prochaine semaine
    semaines ami amie amis bon bonne grand grande nouveau nouvelle petit petite premier première revoir vieille vieux
    año años día hora horas mes meses minuto minutos pronto próxima próximo semana semanas vez veces
    amiga amigas amigo amigos buen mejor nueva nuevas nuevo nuevos poco pequeña pequeño primer primera vieja viejo
    dni godzin godzina godziny godzinę lat lata miesiąc miesiące miesięcy minut minuty raz razy rok roku tydzień tygodni
    tygodnie tygodniu jutra mną nami nim nimi nią rany sobą tobą wami
    druga drugi drugie drugiej drugim drugą duża duże duży mała małe mały nowa nowe nowego nowej nowy pierwsza pierwszy
    pierwszej stara stare stary trzeci trzecia trzeciej
    """
)
"""Words that carry a sentence but name no subject: neither a topic nor a theme begins or ends with one."""

UNSPACED_CHATTER: Final = re.compile(
    "你好|您好|谢谢|謝謝|多谢|不客气|不用谢|好的|好吧|没问题|请稍等|稍等|我查一下|再见|早上好|晚上好|辛苦了|明白了?|收到|是的|嗯+|哈+|您|你"
    "|おはよう(?:ございます)?|こんにちは|こんばんは|ありがとう(?:ございま(?:す|した))?|どういたしまして|お願いします|よろしく"
    "|了解(?:です|しました)?|承知(?:しました)?|かしこまりました|はい|いいえ|どのようなご用件でしょうか|お疲れ様(?:です|でした)?"
    "|さようなら|すみません|少々お待ちください|สวัสดี|ขอบคุณ(?:มาก)?|ยินดี|ครับ|ค่ะ|คะ|โอเค"
    "|안녕하세요|감사합니다|고맙습니다|네|알겠습니다|천만에요|안녕히"
)
"""Greetings and thanks in scripts without spaces, and in Korean."""
