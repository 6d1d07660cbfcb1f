"""What is looked for by words is what comparing everything with everything finds."""

import random
import unicodedata
from datetime import timedelta
from itertools import combinations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_maintenance.changes.candidates import folded, holding, plain_form
from memory_maintenance.changes.comparing import Batch
from memory_maintenance.duplicates import task as duplicates
from memory_maintenance.duplicates.policy import Wording
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import fetch
from memory_maintenance.supersession import task as supersession
from memory_maintenance.supersession.policy import supersessions, words_needed
from memory_maintenance.task import Tools
from memory_maintenance.tenants.control import Tenant
from memory_maintenance.work import Run
from tests.agents import AS_OF, write
from tests.changes.nights import TENANT
from tests.duplicates.pairs import FACTS
from tests.duplicates.test_policy import wording
from tests.fuzzing.anything import fuzzed
from tests.supersession.pairs import KEPT, UPDATES
from tests.supersession.test_policy import statement

FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}
IN_OTHER_WORDS = (
    ("2:00", "2 am"),
    ("31.03.2027", "2027-03-31"),
    ("is", "isn't"),
    ("doesn't", "does not"),
    ("can't", "cannot"),
    ("'", "’"),
    ("1200", "1 200"),
    ("The ", ""),
    ("e", "e\u00ad"),
)
DISGUISES = (
    str.lower,
    str.upper,
    lambda text: text.translate(FULL_WIDTH),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace(" ", "  "),
    lambda text: " ".join(text.rstrip(".").split()[3:] + text.split()[:3]),
    *(lambda text, pair=pair: text.replace(*pair) for pair in IN_OTHER_WORDS),
)
OWN = [
    "The server doesn't restart on 31.03.2027 at 2:00.",
    "The guest can't open the door of room 1200.",
    "Die Straße vor dem großen Schloß ist gesperrt.",
    "Поезд в Москву отправляется 12 марта в 18:30.",
    "Поезд в Москву отправляется 12 марта в 19:30 вместо 18:30.",
    "会议室在三楼的右边",
    "यह दुकान सोमवार को बंद है",
    "12 March 2026 15:00",
]


def texts() -> list[str]:
    """Return labelled texts of five languages and some more, each as it is and disguised twice."""
    chance = random.Random(17)
    facts = [text for known in FACTS.values() for fact in known for text in (fact.said, *fact.again, fact.negation)]
    updates = [text for pairs in UPDATES.values() for _, *both in pairs for text in both]
    kept = [text for pairs in KEPT.values() for both in pairs for text in both]
    said = [*OWN, *facts, *updates, *kept]
    disguised = [chance.choice(DISGUISES)(chance.choice(DISGUISES)(text)) for text in said for _ in range(2)]
    return list(dict.fromkeys(said + disguised))


def test_two_texts_with_one_key_hold_each_others_words():
    wordings = [wording(text, number) for number, text in enumerate(texts())]
    keyed = [one for one in wordings if one.near_key is not None]
    pairs = [pair for pair in combinations(keyed, 2) if pair[0].near_key == pair[1].near_key]
    assert len(pairs) > 200
    for one, other in pairs:
        assert holding({one.id: one.text}, {other.words_needed}) == {one.id}, (one.text, other.text)
        assert holding({other.id: other.text}, {one.words_needed}) == {other.id}, (one.text, other.text)


def test_what_a_statement_replaces_is_among_those_that_hold_its_words():
    statements = {one.id: one for one in (statement(text, day, session="a") for day, text in enumerate(texts()))}
    said, found = {one.id: one.text for one in statements.values()}, 0
    for later in list(statements.values())[::4]:
        chosen = [statements[one] for one in holding(said, words_needed(later)) | {later.id}]
        replaced = supersessions(list(statements.values()), {later.id})
        assert supersessions(chosen, {later.id}) == replaced
        found += len(replaced)
    assert found > 15


def test_few_of_many_texts_hold_the_words_of_another():
    said = {UUID(int=number): text for number, text in enumerate(texts())}
    held = [len(holding(said, {wording(text).words_needed})) for text in list(said.values())[::6]]
    assert sum(held) / len(held) < 0.02 * len(said)


@fuzzed
@given(st.text(max_size=60))
def test_a_text_holds_its_own_words_whatever_its_letters_are(text):
    said = folded(text)
    assert said == plain_form(text).casefold()
    assert all(word in said for word in wording(text).words_needed)
    assert all(word in said for word in statement(text, 1).words)


@pytest.mark.parametrize("task", [duplicates, supersession], ids=lambda module: module.__name__.split(".")[1])
async def test_a_new_memory_finds_what_comparing_all_of_them_finds(rae_pool, monkeypatch, task):
    chance, said = random.Random(5), texts()
    for project in ("shop", "house"):
        chance.shuffle(said)
        await write(rae_pool, TENANT, said[:200], project=project, start=AS_OF - timedelta(days=9), session="a")
    settings = Settings(_env_file=None, memory_duplicates_near="apply", memory_supersession="apply")
    doing, tenant = task.TASK(Tools(rae_pool, settings)), Tenant(TENANT, settings)
    rows = await fetch(rae_pool, "SELECT id, created_at FROM memories ORDER BY created_at, id")
    run = Run(cycle_id=uuid4(), as_of=AS_OF)

    async def found() -> list[object]:
        batches = [
            Batch(rae_pool, tenant, run, frozenset(row["id"] for row in rows[at : at + 3]), rows[at + 2]["created_at"])
            for at in range(0, len(rows) - 3, 30)
        ]
        return [pair for batch in batches for pair in await doing.compare(batch)]

    by_words = await found()
    monkeypatch.setattr(Wording, "words_needed", ())
    monkeypatch.setattr(supersession, "words_needed", lambda _: {()})
    assert by_words == await found()
    assert by_words
