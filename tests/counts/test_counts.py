"""What cycles take, held to the number: a change that sends one more statement has to say so in ``counts.toml``."""

import pytest

from scripted_endpoint.server import ScriptedEndpoint
from tests.counts.measuring import measure_with_model, measure_without_model
from tests.counts.table import FILE, as_toml, differences, recorded


async def test_cycles_without_a_model_take_what_the_table_says(temporal, store_url):
    changed = differences(await measure_without_model(temporal, store_url), recorded(model=False))
    assert not changed, changed


async def test_cycles_with_a_model_take_what_the_table_says(temporal, store_url, endpoint: ScriptedEndpoint):
    changed = differences(await measure_with_model(temporal, store_url, endpoint), recorded(model=True))
    assert not changed, changed


@pytest.mark.parametrize(("model", "cycle"), [(True, "model again"), (False, "first night again")])
def test_a_night_that_ran_already_asks_no_model_and_touches_no_memory(model, cycle):
    again = {(kind, name): count for (one, kind, name), count in recorded(model=model).items() if one == cycle}
    assert again.get(("model", "requests"), 0) == 0
    assert {name.split()[0] for kind, name in again if kind == "rows"} == {"maintenance.cycles"}


def test_the_table_is_as_it_is_written():
    assert FILE.read_text() == as_toml(recorded(model=False) | recorded(model=True))


def test_a_number_that_differs_is_named_with_both_values():
    held = {("night", "sql", "decay.GATE"): 3, ("night", "sql", "COMMIT"): 9}
    now = {("night", "sql", "decay.GATE"): 4, ("night", "sql", "COMMIT"): 9, ("night", "rows", "memories"): 1}
    rows, gate, _ = differences(now, held).splitlines()
    assert rows == "night / rows / memories: 0 in counts.toml, now 1"
    assert gate == "night / sql / decay.GATE: 3 in counts.toml, now 4"
    assert differences(now, now) == ""
