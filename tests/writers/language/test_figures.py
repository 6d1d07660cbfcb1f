import pytest

from memory_maintenance.writers.language.figures import figures, supported_figures, unsupported_figures


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4,200.00 EUR and 1,234,567", {"4200", "1234567"}),
        ("at 14:30 on 2026-11-05", {"14:30", "2026-11-05"}),
        ("version 2.3.1, 12GB, p95", {"2.3.1", "12", "95"}),
        ("3-5 days, 11/20/2026", {"3", "5", "2026-11-20"}),
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


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        ("１２３４５ 円", "12345 円"),
        ("the sum is 12345", "١٢٣٤٥"),
        ("فاتورة رقم ٤٨٢١٣ بقيمة ١٩٫٩٩", "48213, 19.99"),
        ("due 24.11.2026", "due on 24 November 2026"),
        ("fällig am 24. November 2026", "2026-11-24"),
        ("le 24 novembre 2026", "24/11/2026"),
        ("el 24 de noviembre de 2026", "November 24, 2026"),
        ("24 listopada 2026", "24.11.2026"),
        ("5 декабря", "до 5.12."),
        ("2026年11月21日", "21 November 2026"),
        ("11月21日", "on 21 November"),
        ("11월 21일", "11/21/2026 or 21 November"[13:]),
        ("2026-11-24", "24 November"),
        ("on 12 March. The year is 2026.", "12 March 2026"),
        ("1 248 500 рублей", "1,248,500"),
        ("1.248.500 €", "1 248 500"),
        ("1\u202f248\u202f500 €", "1248500"),
        ("CHF 1'248'500", "1,248,500"),
        ("12,84,500 rupees", "1284500"),
        ("19,99 zł", "19.99 zł"),
        ("1.234,50 €", "1,234.50 €"),
        ("3 pm", "15:00"),
        ("15:00", "3 p.m."),
        ("3:30 PM", "15:30"),
        ("12 am", "0:00"),
        ("um 15 Uhr", "15:00"),
        ("à 15 h 30", "15:30"),
        ("à 15h30", "15:30"),
        ("9時30分", "9:30"),
        ("下午 14点", "14:00"),
        ("godz. 09:30", "9:30"),
        ("twenty people", "20 people"),
        ("twenty-five people", "25 people"),
        ("einundzwanzig Gäste", "21 Gäste"),
        ("zwanzig Gäste", "20 Gäste"),
        ("vingt personnes, quatre-vingt-dix", "20, 90"),
        ("veinte personas", "20"),
        ("dwadzieścia pięć osób", "25"),
        ("二十个人", "20"),
        ("40k users", "40,000 users"),
        ("40,000 users", "40k"),
        ("1.2 million", "1,200,000"),
        ("1,2 Mio.", "1200000"),
        ("3万件", "30000"),
        ("6 h of work", "6 hours"),
        ("5 m of cable", "5 metres"),
        ("1.248 kg", "1.248"),
        ("v2.3.9", "v2.3.9"),
        ("am 24.11. kommt er", "24 November"),
        ("btree_gist 1.6", "btree_gist 1.6."),
        ("at 14:05 UTC", "14:05"),
        ("2h15 and 3400", "3,400"),
    ],
)
def test_a_figure_in_another_coat_is_the_same(source, claim):
    assert unsupported_figures(claim, [source]) == frozenset()


@pytest.mark.parametrize(
    ("source", "claim"),
    [
        ("24.11.2026", "25 November 2026"),
        ("24 November 2026", "24 November 2025"),
        ("1 248 500", "1,284,500"),
        ("3 pm", "16:00"),
        ("twenty", "21"),
        ("40k", "4,000"),
        ("19,99", "19.98"),
        ("Section 2.4. Next", "2 April"),
        ("version 1.6. Next", "am 1.6."),
        ("she may 5 times", "5 May"),
    ],
)
def test_another_value_in_the_same_coat_is_not(source, claim):
    assert unsupported_figures(claim, [source])


COATS = [
    pytest.param(
        ["2026-11-24", "24.11.2026", "24 November 2026", "November 24, 2026", "24th of November 2026", "24. November 2026",
         "24 novembre 2026", "24 de noviembre de 2026", "24 listopada 2026", "24 ноября 2026", "2026年11月24日",
         "2026년 11월 24일", "２０２６年１１月２４日", "٢٤/١١/٢٠٢٦", "24/11/2026", "24-11-2026", "24 Nov 2026"],
        id="a date",
    ),
    pytest.param(
        ["1248500", "1,248,500", "1.248.500", "1 248 500", "1\u202f248\u202f500", "1\u00a0248\u00a0500", "1'248'500",
         "12,48,500", "１２４８５００", "１，２４８，５００", "١٢٤٨٥٠٠", "١٬٢٤٨٬٥٠٠", "१२४८५००", "১২৪৮৫০০", "๑๒๔๘๕๐๐", "1.2485 million"],
        id="a large number",
    ),
    pytest.param(
        ["15:00", "3 pm", "3 p.m.", "3PM", "3:00 pm", "15h00", "15 h 00", "15 Uhr", "15:00 Uhr", "１５：００", "١٥:٠٠", "15時00分"],
        id="a time",
    ),
    pytest.param(["20", "twenty", "zwanzig", "vingt", "veinte", "dwadzieścia", "venti", "двадцать", "２０", "٢٠", "२०"], id="a number in words"),
    pytest.param(["40,000", "40k", "40 000", "40.000", "40000", "40 thousand", "40 Tsd.", "40 tys.", "4万", "٤٠٬٠٠٠", "４００００"], id="thousands"),
    pytest.param(["19.99", "19,99", "١٩٫٩٩", "１９．９９"], id="a fraction"),
]  # fmt: skip


@pytest.mark.parametrize("coats", COATS)
def test_every_coat_of_a_figure_supports_every_other(coats):
    missing = [
        (source, claim) for source in coats for claim in coats if unsupported_figures(f"x {claim} y", [f"a {source} b"])
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("coats", "others"),
    [
        (COATS[0].values[0], ["25.11.2026", "24 October 2026", "24 November 2025", "٢٥/١١/٢٠٢٦"]),
        (COATS[1].values[0], ["1,248,501", "1.284.500", "124,850", "١٢٤٨٥٠١"]),
        (COATS[2].values[0], ["3 am", "16:00", "15:30", "4 pm"]),
        (COATS[3].values[0], ["21", "200", "2"]),
        (COATS[4].values[0], ["4,000", "400k", "40.5k"]),
        (COATS[5].values[0], ["19.98", "1999", "199.9"]),
    ],
)
def test_no_coat_of_a_figure_supports_another_value(coats, others):
    supported = [
        (source, other)
        for source in coats
        for other in others
        if not unsupported_figures(f"x {other} y", [f"a {source} b"])
    ]
    assert supported == []
