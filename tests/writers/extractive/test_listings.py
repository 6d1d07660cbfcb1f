import pytest

from memory_maintenance.summarization.extractive import extractive_summary
from memory_maintenance.writers.extractive.listings import listings
from tests.writers.extractive.sessions import session

FERRIES = "1. **Doeksen**: sails to Vlieland.\n2. **Teso**: sails to Texel.\n3. **Wagenborg**: sails to Ameland."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(f"Here are some good ferries:\n\n{FERRIES}", "Good ferries: Doeksen, Teso, Wagenborg.", id="bold"),
        pytest.param(f"## Ferries\n{FERRIES}", "Ferries: Doeksen, Teso, Wagenborg.", id="under a heading"),
        pytest.param(
            "Hier sind einige Häfen am Wattenmeer:\n- Harlingen: groß.\n- Den Oever: klein.\n- Holwerd: nur Fähre.",
            "Häfen am Wattenmeer: Harlingen, Den Oever, Holwerd.",
            id="before a colon, German",
        ),
        pytest.param(
            "Voici quelques ports :\n* Harlingen – grand\n* Holwerd – petit\n* Lauwersoog – neuf",
            "Ports: Harlingen, Holwerd, Lauwersoog.",
            id="before a dash, French",
        ),
        pytest.param(
            "The kit holds:\n- Signal flares\n- A foghorn\n- Two anchors",
            "The kit holds: Signal flares, A foghorn, Two anchors.",
            id="short entries as they stand",
        ),
        pytest.param(
            "Works by division:\n1. Hull:\n* sand it down\n* paint it twice\n2. Rig:\n* replace the shrouds\n3. Galley:\n* clean it",
            "Works by division: Hull, Rig, Galley.",
            id="without the lists inside",
        ),
        pytest.param(
            "Pairs to rent:\n- Ketch, small: 90 EUR\n- Yawl, small: 80 EUR\n- Sloop: 70 EUR",
            "Pairs to rent: Ketch, small; Yawl, small; Sloop.",
            id="names with commas",
        ),
        pytest.param(f"Glad to help! Here are a few:\n{FERRIES}", "Doeksen, Teso, Wagenborg.", id="only announced"),
        pytest.param(f"Gern! Hier sind einige:\n{FERRIES}", "Doeksen, Teso, Wagenborg.", id="only announced, German"),
    ],
)
def test_a_list_becomes_the_names_of_its_entries(text, told):
    assert [one.text for one in listings(text)] == [told]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FERRIES, id="nothing says what it is of"),
        pytest.param("Good ferries:\n- Doeksen: to Vlieland.\n- Teso: to Texel.", id="two entries"),
        pytest.param(
            "Tips:\n- You should always reef the main before dark.\n- Keep the log dry.\n- Eat well.", id="no names"
        ),
        pytest.param("An example of a bill:\n- Mooring: 90\n- Water: 5\n- Power: 7", id="an example"),
        pytest.param("Stages:\n- Day 1: to Texel.\n- Day 2: to Vlieland.\n- Day 3: home.", id="figures are no names"),
        pytest.param("Letter:\n- [Name of the harbour]: a\n- [Date]: b\n- [Your name]: c", id="a template"),
        pytest.param("Code:\n```\n- Doeksen: 1\n- Teso: 2\n- Wagenborg: 3\n```", id="code"),
    ],
)
def test_what_has_no_subject_or_no_names_is_no_list(text):
    assert listings(text) == []


def test_a_long_list_ends_between_two_names_and_counts_the_rest():
    entries = "\n".join(f"- Harbour {name} of the northern coast: deep" for name in "ABCDEFGHIJKLMNOPQRST")
    (one,) = listings(f"Good harbours:\n{entries}")
    assert one.text.endswith("Harbour E of the northern coast (and 15 more).")
    assert len(one.names) == 20


def test_a_summary_answers_with_the_names_of_a_list_and_not_with_one_of_its_entries():
    answer = (
        f"assistant: Happy to help!\n\nHere are some good ferries to the islands:\n\n{FERRIES}\n\nTide tables matter."
    )
    summary = extractive_summary(session(["user: Which ferries sail to the islands in winter?", answer])).summary
    assert "Good ferries to the islands: Doeksen, Teso, Wagenborg." in summary


def test_a_list_of_a_person_is_read_as_it_stands():
    lines = [f"Ana: My ferries:\n{FERRIES}", "Ben: I sail to Terschelling on Monday with the old ketch."]
    assert "My ferries: Doeksen, Teso" not in extractive_summary(session(lines)).summary
