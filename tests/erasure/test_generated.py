"""A generated store of many subjects, some of them forgotten at random: nothing of these is left, the others stay."""

import random
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.erasure.carrying_out import Erasure
from memory_maintenance.erasure.orders import order_erasure
from memory_maintenance.erasure.residue import search
from memory_maintenance.erasure.selection import Selector
from memory_maintenance.erasure.strings import Finder, identifying_strings
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from scripted_endpoint.replies import Reply
from tests.agents import AS_OF, derived, write
from tests.model_path import record_of, told_answer

SYLLABLES = (
    "bel",
    "dor",
    "fen",
    "gal",
    "hux",
    "jor",
    "kel",
    "lum",
    "mor",
    "nev",
    "pax",
    "quil",
    "ros",
    "tam",
    "vex",
    "zin",
)
THINGS = ("cello bow", "violin case", "rosin", "metronome", "music stand", "viola strings", "flute stand", "piano lamp")
OF_A_SESSION = 4
"""Subjects that speak in one session, with three facts each."""


@dataclass
class Subject:
    """A person whom only their own memories name."""

    first: str
    last: str
    phone: str
    street: str
    facts: list[str] = field(default_factory=list)

    @classmethod
    def drawn(cls, chance: random.Random, number: int) -> "Subject":
        def name(parts: int) -> str:
            return "".join(chance.choice(SYLLABLES) for _ in range(parts)).capitalize()

        own = "".join(SYLLABLES[number // 16**place % 16] for place in range(3))  # what no other subject has
        first, last = name(2), f"{name(2)}{own}"
        phone = f"0{chance.randint(20, 99)} {chance.randint(1_000_000, 9_999_999)}"
        one = cls(first, last, phone, f"{name(2)}{own}weg {chance.randint(1, 99)}")
        thing, price = chance.choice(THINGS), chance.randint(20, 900)
        one.facts = [
            f"{first} {last} ordered a {thing} for {price} euros.",
            f"{first} {last} lives in {one.street} and wants the {thing} by {chance.randint(1, 28)} March 2026.",
            f"The phone number of {first} {last} is {phone}.",
        ]
        return one

    @property
    def identifying(self) -> list[str]:
        digits = re.sub(r"\D", "", self.phone)
        return [self.last.lower(), f"{self.first} {self.last}".lower(), self.street.lower(), digits]


async def generated(pool: Pool, tenant: str, subjects: list[Subject], chance: random.Random) -> None:
    for start in range(0, len(subjects), OF_A_SESSION):
        lines = [fact for subject in subjects[start : start + OF_A_SESSION] for fact in subject.facts]
        chance.shuffle(lines)
        await write(pool, tenant, lines, session=f"s{start}", importance=0.8, start=AS_OF - timedelta(hours=5))


async def summaries(pool: Pool, tenant: str) -> dict[Any, str]:
    return {row["id"]: row["content"] for row in await derived(pool, tenant)}


async def forgetting(pool: Pool, settings: Settings, count: int, forgotten: int, nights_after: int = 0) -> float:
    """Forget some of *count* subjects; return the share of affected summaries that still tell of all the others."""
    chance, tenant = random.Random(count), str(uuid4())
    subjects = [Subject.drawn(chance, number) for number in range(count)]
    await generated(pool, tenant, subjects, chance)
    await run_maintenance(pool, settings, as_of=AS_OF)
    before = await summaries(pool, tenant)
    gone = chance.sample(subjects, forgotten)
    for subject in gone:
        order = await order_erasure(
            pool, Selector(tenant, subject=f"{subject.first} {subject.last}"), by=None, reason=None
        )
        certificate = await Erasure(pool, settings).carry_out(order)
        assert certificate["residue"]["score"] == 0.0
    for night in range(nights_after):
        await run_maintenance(pool, settings, as_of=AS_OF + timedelta(days=night + 1))
    strings = [one for subject in gone for one in subject.identifying]
    residue = await search(pool, strings, [tenant])
    assert (residue.score, residue.found) == (0.0, set())
    after = await summaries(pool, tenant)
    kept = [subject.last for subject in subjects if subject not in gone]
    affected = [one for one, text in before.items() if any(subject.last in text for subject in gone)]
    whole = [one for one in affected if all(last in after.get(one, "") for last in kept if last in before[one])]
    assert len(affected) >= forgotten / OF_A_SESSION
    return len(whole) / len(affected)


EXTRACTIVE = Settings.model_validate({"rae_llm_backend": "extractive", "summarization_min_events": 3})


async def test_nothing_of_six_of_sixty_subjects_is_left_and_the_others_stay_in_the_summaries(pool):
    assert await forgetting(pool, EXTRACTIVE, 60, 6) >= 0.95


@pytest.mark.slow
async def test_nothing_of_a_hundred_of_a_thousand_subjects_is_left_and_the_others_stay_in_the_summaries(pool):
    assert await forgetting(pool, EXTRACTIVE, 1_000, 100) >= 0.95


ORDERED = re.compile(r"(\w+ \w+) ordered a ([\w ]+) for (\d+) euros")


def paraphrased(request: dict[str, Any]) -> Reply:
    """Tell faithfully, in other words and another order, who ordered what."""
    told = [
        f"a {thing} at {price} euros went to {who}" for who, thing, price in ORDERED.findall(str(record_of(request)))
    ]
    text = f"Orders of the day: {'; '.join(reversed(told))}."
    return told_answer(request, text, ["orders", "euros"])


@pytest.mark.parametrize(
    ("count", "forgotten"),
    [pytest.param(16, 2, id="few"), pytest.param(1_000, 100, id="many", marks=pytest.mark.slow)],
)
async def test_the_same_where_a_model_paraphrases(pool, endpoint, count, forgotten):
    endpoint.otherwise = paraphrased
    values = {"openai_base_url": endpoint.base_url, "openai_api_key": "test", "rae_llm_backend": "openai"}
    asks = Settings.model_validate({**values, "summarization_min_events": 3})
    assert await forgetting(pool, asks, count, forgotten, nights_after=1) >= 0.95
    assert endpoint.answers > count // OF_A_SESSION
    rows = await fetch(pool, "SELECT metadata->>'backend' AS by FROM memories WHERE source = 'summarization_worker'")
    assert {row["by"] for row in rows} == {"openai"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call ANNA\n  bergström", {"anna bergström"}),
        ("tel. ０３３１/88 29-174", {"03318829174"}),
        ("+49 (0) 3318829174 and more", {"03318829174"}),
        ("mail anna.b@example.org!", {"anna b example org"}),
        ("Johanna Bergströms Haus", set()),
        ("Sie heißt 王小明明。", {"王小明明"}),
    ],
)
def test_a_string_is_found_however_it_is_written(text, found):
    strings = {"anna bergström", "03318829174", "anna b example org", "王小明明"}
    assert Finder(frozenset(strings)).found_in(text) == found


def test_names_addresses_and_figures_identify_and_dates_and_months_do_not():
    text = "Anna Berg (anna.berg@example.org, 0331 88 29 174) met Tom in March; on 2026-03-04 they paid 12 euros."
    assert identifying_strings(text) == {"anna berg", "berg", "anna berg example org", "03318829174"}


def test_the_id_of_a_memory_identifies_no_person():  # as duplicate_of in the metadata of one that was folded
    assert identifying_strings("12345678-1234-4234-8234-123456789012") == set()
