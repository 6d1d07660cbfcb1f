import pytest

from memory_maintenance.writers.language.dates import dates, kept_dates


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("due 2026-03-12, at 10:30", {"2026-03-12"}),
        ("on 12 March 2026 or March 13, 2026", {"2026-03-12", "2026-03-13"}),
        ("the 1st of May and Sept. 3rd", {"--05-01", "--09-03"}),
        ("12 March, that is 2026-03-12", {"2026-03-12"}),
        ("2 Jan 2025; Jan 3", {"2025-01-02", "--01-03"}),
        ("Marek 12 ordered 4 Marble tops; she may 5 times; version 2026-99-12", set()),
        ("out of stock until January. 1 tent is left", set()),
        ("May 5:30 is no day, 12026-03-12 neither", set()),
        ("", set()),
    ],
)
def test_days_are_read_with_and_without_their_year(text, named):
    assert dates(text) == named


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("Delivered on 2026-03-12 and 2026-04-01.", {"2026-03-12", "--04-01"}),
        ("Delivered on 12 March.", {"2026-03-12"}),
        ("Delivered on March 12, 2026", {"2026-03-12"}),
        ("Delivered on 12 March 2025, paid on 1 April 2024.", {"--04-01"}),
        ("Delivered.", set()),
    ],
)
def test_a_date_is_kept_however_it_is_written(summary, kept):
    assert kept_dates(frozenset({"2026-03-12", "--04-01"}), summary) == kept
