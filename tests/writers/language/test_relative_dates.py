from datetime import UTC, datetime

import pytest

from memory_maintenance.writers.language.figures import figures, supported_figures
from memory_maintenance.writers.language.relative_dates import with_dates

FRIDAY = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "dated"),
    [
        ("The demo is tomorrow at 5.", "The demo is tomorrow [2026-11-21] at 5."),
        ("Tomorrow morning we ship", "Tomorrow morning [2026-11-21] we ship"),
        ("tomorrow's order", "tomorrow's [2026-11-21] order"),
        ("the day after tomorrow", "the day after tomorrow [2026-11-22]"),
        (
            "the day before yesterday, and yesterday",
            "the day before yesterday [2026-11-18], and yesterday [2026-11-19]",
        ),
        ("It rained last night.", "It rained last night [2026-11-19]."),
        ("TODAY, tonight", "TODAY [2026-11-20], tonight [2026-11-20]"),
        ("this afternoon", "this afternoon [2026-11-20]"),
        ("two days ago", "two days ago [2026-11-18]"),
        ("a week ago", "a week ago [2026-11-13]"),
        ("delivery in two weeks, not in 3 days", "delivery in two weeks [2026-12-04], not in 3 days [2026-11-23]"),
        ("twelve days from now", "twelve days from now [2026-12-02]"),
        ("two months ago", "two months ago [2026-09]"),
        ("in 14 months", "in 14 months [2028-01]"),
        ("three years ago", "three years ago [2023]"),
        ("next week", "next week [2026-11-23 to 2026-11-29]"),
        ("last week", "last week [2026-11-09 to 2026-11-15]"),
        ("next month and last year", "next month [2026-12] and last year [2025]"),
        ("next Friday", "next Friday [2026-11-27]"),
        ("next Monday", "next Monday [2026-11-23]"),
        ("next Saturday", "next Saturday [2026-11-21 or 2026-11-28]"),
        ("last Friday", "last Friday [2026-11-13]"),
        ("last Saturday", "last Saturday [2026-11-14]"),
        ("last Monday", "last Monday [2026-11-16 or 2026-11-09]"),
        ("by Monday, this Sunday", "by Monday [2026-11-23], this Sunday [2026-11-22]"),
    ],
)
def test_what_is_said_on_a_friday_is_dated(said, dated):
    assert with_dates(said, FRIDAY) == dated


@pytest.mark.parametrize(
    ("said", "dated"),
    [
        ("next Friday", "next Friday [2026-11-20 or 2026-11-27]"),
        ("next Sunday", "next Sunday [2026-11-22 or 2026-11-29]"),
        ("last Friday", "last Friday [2026-11-13]"),
        ("last Monday, next Monday", "last Monday [2026-11-09], next Monday [2026-11-23]"),
        ("until Friday", "until Friday [2026-11-20]"),
        ("yesterday", "yesterday [2026-11-15]"),
    ],
)
def test_what_is_said_on_a_monday_is_dated(said, dated):
    assert with_dates(said, MONDAY) == dated


@pytest.mark.parametrize(
    "said",
    [
        "We met on Friday; Friday it is",
        "by Friday",
        "It was finished in two days, thrice in a week of work",
        "the last week of the project, every next month",
        "She may come, we sat in May; now or never",
        "yesterdays, tomorrowland, day-after-tomorrow",
        "next batch of 200 in 3 weekends",
        "tomorrow (21 November), tomorrow [2026-11-21]",
        "in 999 days of rain",
        "The third scan without a signature in five weeks",
        "It failed three times in 2 days",
        "",
    ],
)
def test_what_is_not_certain_stays_as_it_is(said):
    assert with_dates(said, FRIDAY) == said


@pytest.mark.parametrize(
    ("said", "dated", "language"),
    [
        ("two weeks ago on a Saturday", "two weeks ago [2026-11-07] on a Saturday", "en"),
        ("about two weeks ago, on Friday", "about two weeks ago [2026-11-06], on Friday", "en"),
        ("in three weeks on Monday", "in three weeks [2026-12-14] on Monday", "en"),
        ("vor zwei Wochen an einem Samstag", "vor zwei Wochen [2026-11-07] an einem Samstag", "de"),
        ("three days ago on a Saturday", "three days ago on a Saturday", "en"),
        ("vor drei Tagen, an einem Samstag", "vor drei Tagen, an einem Samstag", "de"),
    ],
)
def test_a_weekday_behind_a_distance_says_which_day_of_that_time_is_meant(said, dated, language):
    assert with_dates(said, FRIDAY, language) == dated


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_time_are_no_crash(at):
    text = "yesterday, tomorrow, in 900 years, 900 months ago, last week, next Sunday, last Monday, next year"
    assert "tomorrow" in with_dates(text, at)


def test_dating_twice_is_dating_once():
    once = with_dates(
        "tomorrow, tomorrow's, last night, yesterday evening, next Saturday, in two weeks, last month, a year ago",
        FRIDAY,
    )
    assert with_dates(once, FRIDAY) == once


@pytest.mark.parametrize("summary", ["It is due on 2026-12-04.", "It is due on 4 December 2026.", "Due 04-12-2026"])
def test_a_date_that_was_resolved_is_a_source_of_the_summary(summary):
    said = "The delivery is due in two weeks."
    assert not figures(summary) <= supported_figures([said])
    assert figures(summary) <= supported_figures([with_dates(said, FRIDAY)])


@pytest.mark.parametrize(
    ("said", "dated"),
    [
        ("Die Lieferung kommt morgen.", "morgen [2026-11-21]"),
        ("Morgen kommt die Lieferung und der Techniker.", "Morgen [2026-11-21] kommt"),
        ("Wir haben das gestern Abend besprochen.", "gestern Abend [2026-11-19]"),
        ("Das ist erst übermorgen fällig.", "übermorgen [2026-11-22]"),
        ("Ich war vor drei Wochen in Bonn und vor 2 Monaten in Ulm.", "vor drei Wochen [2026-10-30] in Bonn und vor 2 Monaten [2026-09]"),
        ("Die Prüfung ist nächsten Freitag, nicht in zwei Tagen.", "nächsten Freitag [2026-11-27], nicht in zwei Tagen [2026-11-22]"),
        ("Das war letzte Woche und im letzten Jahr.", "letzte Woche [2026-11-09 to 2026-11-15]"),
        ("Bitte bis Montag melden, sonst ist es zu spät.", "bis Montag [2026-11-23]"),
        ("Le rendez-vous est demain matin.", "demain matin [2026-11-21]"),
        ("Je l'ai vu hier soir et il y a deux semaines.", "hier soir [2026-11-19] et il y a deux semaines [2026-11-06]"),
        ("On se voit la semaine prochaine dans le parc.", "semaine prochaine [2026-11-23 to 2026-11-29]"),
        ("Nous partons dans trois jours, vendredi prochain.", "dans trois jours [2026-11-23], vendredi prochain [2026-11-27]"),
        ("La reunión es mañana por la tarde.", "mañana por la tarde [2026-11-21]"),
        ("Lo compré ayer y lo pagué hace dos semanas.", "ayer [2026-11-19] y lo pagué hace dos semanas [2026-11-06]"),
        ("Nos vemos el próximo viernes o la semana que viene.", "próximo viernes [2026-11-27] o la semana que viene [2026-11-23 to 2026-11-29]"),
        ("Pasado mañana no puedo, que tengo que ir al médico.", "Pasado mañana [2026-11-22] no puedo"),
        ("Spotkanie jest jutro rano.", "jutro rano [2026-11-21]"),
        ("To było tydzień temu, a nie wczoraj.", "wczoraj [2026-11-19]"),
        ("Byłam tam dwa tygodnie temu, wrócę za trzy dni.", "dwa tygodnie temu [2026-11-06], wrócę za trzy dni [2026-11-23]"),
        ("W przyszłym tygodniu nie mam czasu.", "W przyszłym tygodniu [2026-11-23 to 2026-11-29]"),
        ("Proszę to zrobić do poniedziałku.", "do poniedziałku [2026-11-23]"),
        ("Отчёт сдаём завтра.", "завтра [2026-11-21]"),
        ("我们明天开会。", "明天 [2026-11-21]开会"),
        ("会議は明後日です。", "明後日 [2026-11-22]です"),
    ],
)  # fmt: skip
def test_other_languages_say_it_in_their_words(said, dated):
    assert dated in with_dates(said, FRIDAY)
    assert with_dates(with_dates(said, FRIDAY), FRIDAY) == with_dates(said, FRIDAY)


@pytest.mark.parametrize(
    "said",
    [
        "Guten Morgen, wie geht es dir?",
        "Das machen wir am Morgen und nicht am Abend.",
        "Ist hier jemand da?",
        "Le matin, je bois du café et je lis.",
        "Por la mañana bebo café y leo.",
        "Rano piję kawę i czytam.",
        "Die Sitzung ist am Freitag.",
    ],
)
def test_what_only_looks_like_a_date_stays(said):
    assert with_dates(said, FRIDAY) == said


@pytest.mark.parametrize(
    "said",
    [
        "These are tools that people use today.",
        "Trust matters in today's world, and in today's rapidly changing job market.",
        "Are there contemporary activists who are making waves in social movements today?",
        "It continues to influence the world today.",
        "They did not have the understanding of disease that we do today.",
        "I think filmmakers today could learn from his approach.",
        "Do you think his films are still relevant today?",
        "It became the iconic symbol we know today.",
        "From a Roman camp it grew into the bustling city it is today.",
        "Today, St Albans is a thriving modern city with a diverse economy.",
        "What was accepted in his era may be seen as offensive today.",
        "Even today, and up to today, the youth of today reads it.",
        "Das ist die Welt von heute, wie wir sie heute kennen.",
        "Daran hat sich bis heute nichts geändert.",
        "C'est le monde d'aujourd'hui, et encore aujourd'hui on en parle.",
        "Hoy en día la gente usa el móvil para todo lo que hace.",
        "Tak jest do dziś i nikt tego nie zmienia.",
    ],
)
def test_today_that_means_these_days_is_no_date(said):
    assert with_dates(said, FRIDAY) == said


@pytest.mark.parametrize(
    ("said", "dated"),
    [
        ("I had the vase appraised today, it is still relevant for us.", "today [2026-11-20]"),
        ("The demo is today.", "today [2026-11-20]"),
        ("Today a rotation means downtime for webhooks.", "Today [2026-11-20]"),
        ("Today's queue: 9 answers.", "Today's [2026-11-20]"),
        ("Many people came to our stall today.", "today [2026-11-20]"),
        ("Ich schicke es noch heute Abend, bis heute um 18 Uhr.", "heute Abend [2026-11-20], bis heute [2026-11-20]"),
        ("Je l'envoie aujourd'hui.", "aujourd'hui [2026-11-20]"),
    ],
)
def test_today_that_means_this_day_is_dated(said, dated):
    assert dated in with_dates(said, FRIDAY)


def test_the_language_of_the_conversation_decides_where_a_line_is_too_short_to_tell():
    assert with_dates("hier", FRIDAY, "fr") == "hier [2026-11-19]"
    assert with_dates("hier", FRIDAY, "de") == "hier"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The first dose was on 17 November, and last night it hurt.", "en"),
        ("Am 3. März war die Probe, in zwei Wochen die Premiere.", "de"),
        ("Le 3 mars, on répète dans deux semaines.", "fr"),
    ],
)
def test_beside_a_day_that_is_named_nothing_is_resolved(text, language):
    assert with_dates(text, datetime(2026, 11, 16, tzinfo=UTC), language) == text


def test_a_day_in_another_sentence_does_not_matter():
    text = "The first dose was on 17 November. Last night it hurt."
    assert with_dates(text, datetime(2026, 11, 19, tzinfo=UTC), "en").endswith("Last night [2026-11-18] it hurt.")
