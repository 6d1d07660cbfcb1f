from memory_maintenance.writers.extractive.key_terms import key_terms
from memory_maintenance.writers.extractive.rarity import NO_BACKGROUND, Background, session_words

SESSIONS = [[f"The team discussed the release {n} and the budget of the quarter."] for n in range(12)]
OWN = ["The team discussed the walrus and its release.", "The walrus prefers herring.", "The release is late."]


def test_what_other_sessions_have_is_no_topic():
    assert "release" in " ".join(key_terms(OWN))
    rare = key_terms(OWN, background=Background.of(map(session_words, SESSIONS)))
    assert rare[0] == "walrus"
    assert "release" not in " ".join(rare)


def test_a_word_that_no_other_session_has_is_rarest():
    known = Background.of(map(session_words, SESSIONS))
    assert known.rarity("walru") == 1.0
    assert known.rarity("releas") < known.rarity("walru")
    assert NO_BACKGROUND.rarity("releas") == 1.0


def test_a_stop_word_needs_enough_sessions_to_be_known_as_one():
    assert Background.of([["release"]] * 8).is_everywhere("release")
    assert not Background.of([["release"]] * 3).is_everywhere("release")


def test_the_words_of_a_session_are_counted_once_in_any_script():
    assert session_words(["数据库磁盘写满。", "数据库恢复"]) >= {"数据库", "磁盘"}
    assert session_words(["Refunds, refunded; a refund of 12"]) == {"refund"}
