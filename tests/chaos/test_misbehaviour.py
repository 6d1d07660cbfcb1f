import json
from collections import Counter

import pytest

from chaos.checks.surroundings import Bill
from chaos.misbehaviour import SHARES, Misbehaviour

REQUEST = {"messages": [{"content": "about zqbababababa and zqdobababada"}], "response_format": {"name": "Summary"}}


def test_it_misbehaves_in_its_stated_shares():
    model = Misbehaviour(7)
    ways = Counter(model.way(str(n)) for n in range(20_000))
    for way, share in SHARES.items():
        assert ways[way] / 20_000 == pytest.approx(share, abs=0.006)


def test_the_seed_and_how_often_a_prompt_came_decide():
    first, again, other = ([model.way("same") for _ in range(200)] for model in map(Misbehaviour, (7, 7, 8)))
    assert first == again != other
    assert len(set(first)) > 3


def test_a_calm_model_answers_well_and_the_bill_has_every_answer():
    model = Misbehaviour(7)
    model.calm = True
    replies = [model(REQUEST) for _ in range(2)]
    contents = [json.loads(reply.body)["choices"][0]["message"]["content"] for reply in replies]
    assert all("zqbababababa" in json.loads(content)["summary"] for content in contents)
    assert (model.ways, model.bill()) == ({"good": 2}, Bill(answers=2, distinct=1, tokens=240))


def test_what_never_arrives_whole_is_billed_and_is_no_answer():
    model = Misbehaviour(7)
    replies = [
        model({**REQUEST, "messages": [{"content": f"about zqbababababa {n} zqdobababada"}]}) for n in range(300)
    ]
    billed = sum(model.ways[way] for way in ("good", "off_schema", "hang", "broken"))
    assert sum(reply.completion for reply in replies) == billed
    readable = model.ways["good"] + model.ways["off_schema"]
    assert model.bill() == Bill(answers=readable, distinct=readable, tokens=120 * billed)
