import pytest

from memory_maintenance.writers.language.figures import figures, supported_figures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4,200.00 EUR and 1,234,567", {"4200", "1234567"}),
        ("at 14:30 on 2026-11-05", {"14:30", "2026-11-05"}),
        ("version 2.3.1, 12GB, p95", {"2.3.1", "12", "95"}),
        ("3-5 days, 11/20/2026", {"3", "5", "11", "20", "2026"}),
        ("2026-11-20T14:30Z", {"2026-11-20", "14:30"}),
        ("7.", {"7"}),
        ("no number", set()),
    ],
)
def test_figures_are_numbers_times_and_dates(text, found):
    assert figures(text) == found


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        pytest.param("paid 4,200 EUR", "4200", id="without the comma"),
        pytest.param("189.00 EUR", "189", id="without the cents"),
        pytest.param("2026-11-05", "5 November 2026", id="a date in words"),
        pytest.param("on November 5th, 2026", "2026-11-05", id="a date as ISO"),
        pytest.param("on 5 Nov. 2026", "2026-11-05", id="a short month"),
        pytest.param("three tents", "3 tents", id="a number in words"),
        pytest.param("at 09:30", "9", id="a part of a time"),
    ],
)
def test_an_honest_rendering_of_a_figure_is_supported(source, claim):
    assert figures(claim) <= supported_figures([source])


@pytest.mark.parametrize(("source", "claim"), [("42", "421"), ("3.5", "35"), ("2026-11-05", "2026-11-06"), ("", "1")])
def test_another_figure_is_not_supported(source, claim):
    assert not figures(claim) <= supported_figures([source])
