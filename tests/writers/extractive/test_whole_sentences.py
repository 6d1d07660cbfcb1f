import pytest

from memory_maintenance.writers.extractive.gist import shortened
from memory_maintenance.writers.extractive.plain_text import plain_sentences


@pytest.mark.parametrize(
    "line",
    [
        "The ferry takes 40 min on avg. 35 in summer.",
        "The hall costs 420 EUR incl. Cleaning and heating.",
        "We need approx. Thirty chairs.",
        "The invoice is no. 4411 of this year.",
        "Das Zimmer kostet 80 Euro inkl. Frühstück und Kurtaxe.",
        "Wir nehmen ein Lastenrad bzw. Einen Anhänger.",
        "Der Laden liegt in der Lindenstr. 5 im Hof.",
        "On prend un fruit, p. ex. Une poire.",
        "Compra fruta, p. ej. Una pera.",
        "Weź owoce, np. Gruszki.",
        "Spotkanie jest na ul. Długiej.",
        "The rent (heating incl. Water is extra) is 640 EUR.",
        'She said "Bring the keys. The door is locked." to Omar.',
        '"Is the boat dry?" asked Omar.',
    ],
)
def test_an_abbreviation_a_bracket_and_a_quotation_are_not_cut(line):
    assert plain_sentences(line) == [line]


@pytest.mark.parametrize(
    "line", ["The answer is no. We go by train.", "It takes 5 min. 3 people came.", "He left (late). She stayed."]
)
def test_sentences_behind_a_full_stop_are_apart(line):
    assert len(plain_sentences(line)) == 2


def test_a_bracket_that_does_not_fit_is_left_out():
    assert shortened("The boat needs a new sail (blue, of cotton, from Delft)", 8) == "The boat needs a new sail…"
