import json
from getpass import getuser

import pytest

from commands.overrides import DEPLOYMENTS, NAMES
from memory_maintenance.settings import Settings, TenantOverrides
from memory_maintenance.store.pool import execute
from memory_maintenance.tenants.control import control_of
from memory_maintenance.tenants.overrides import override
from tests.agents import write


@pytest.fixture(autouse=True)
async def acme(pool):
    await write(pool, "acme", ["a"])


async def test_setting_prints_old_new_who_why_and_the_way_back(cli, pool):
    told = await cli("tenants", "set", "acme", "decay_rate=0.005", "--by", "ana", "--reason", "fades too slowly")
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0] == (
        "acme: decay_rate: 0.001 (MEMORY_BASE_DECAY_RATE) -> 0.005 (ana: fades too slowly)"
    )
    assert told.stdout.splitlines()[-1] == "undo: starter.py tenants unset acme decay_rate"
    assert (await control_of(pool, "acme")).overrides == TenantOverrides(decay_rate=0.005)


async def test_who_set_what_and_why_is_kept(cli):
    await cli("tenants", "set", "acme", "decay_rate=0.005", "--by", "ana", "--reason", "fades too slowly")
    await cli("tenants", "unset", "acme", "decay_rate", "--by", "bo")
    await cli("tenants", "set", "acme", "daily_cost=2.5")
    await cli("tenants", "unset", "acme", "--all")
    assert (await cli("tenants", "set", "acme", "decay_rate=7", "--by", "eve")).exit_code == 2
    orders = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)["orders"]
    assert [tuple(order[name] for name in ("action", "ordered_by", "reason", "details")) for order in orders] == [
        ("unset", getuser(), None, {}),
        ("set", getuser(), None, {"daily_cost": 2.5}),
        ("unset", "bo", None, {"decay_rate": None}),
        ("set", "ana", "fades too slowly", {"decay_rate": 0.005}),
    ]


async def test_the_way_back_goes_back(cli, pool):
    before = TenantOverrides(decay_rate=0.002, protected_tags=("pinned", "legal"))
    await override(pool, "acme", before.model_dump(exclude_none=True))
    told = await cli("tenants", "set", "acme", "decay_rate=0.005", "protected_tags=x", "dreaming_enabled=no")
    for way in told.stdout.splitlines()[-1].removeprefix("undo: ").split(" and "):
        assert (await cli(*way.split()[1:])).exit_code == 0
    assert (await control_of(pool, "acme")).overrides == before


async def test_everything_is_taken_back_also_what_cannot_be_read(cli, pool):
    await execute(pool, "INSERT INTO maintenance.tenants (tenant_id, overrides) VALUES ('acme', '{\"decay\": 1}')")
    assert (await cli("tenants", "unset", "acme", "--all")).exit_code == 0
    assert (await control_of(pool, "acme")).overrides == TenantOverrides()


async def test_a_rate_outside_of_the_bounds_is_noted(cli):
    told = await cli("tenants", "set", "acme", "decay_rate=0.5")
    assert "note: 0.5 is outside MEMORY_MIN_DECAY_RATE and MEMORY_MAX_DECAY_RATE: 0.01 is used" in told.stdout


async def test_as_data_it_is_old_and_new(cli):
    told = await cli("tenants", "set", "acme", "daily_tokens=0", "--json")
    assert json.loads(told.stdout) == [{"name": "daily_tokens", "old": None, "new": "0"}]


@pytest.mark.parametrize(
    "words", [("unset", "acme", "decay_rate"), ("unset", "acme", "--all"), ("set", "acme", "dreaming_enabled=yes")]
)
async def test_what_changes_nothing_says_so_and_is_no_order(cli, pool, words):
    await override(pool, "acme", {"dreaming_enabled": True})
    told = await cli("tenants", *words) if "--all" not in words else None
    if told is None:
        await override(pool, "acme", {"dreaming_enabled": None})
        told = await cli("tenants", *words)
    assert (told.exit_code, told.stdout) == (0, "acme: nothing differs from before, nothing was changed\n")
    orders = json.loads((await cli("tenants", "show", "acme", "--json")).stdout)["orders"]
    assert [order["ordered_by"] for order in orders] == [None] * len(orders)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "acme", "decay_rat=1"), "did you mean decay_rate?"),
        (("set", "acme", "zzz=1"), f"there are {', '.join(NAMES)}"),
        (("set", "acme", "decay_rate"), "is not NAME=VALUE"),
        (("set", "acme", "decay_rate=fast"), "decay_rate: "),
        (
            ("set", "acme", "daily_cron=nonsense"),
            "daily_cron: not a cron expression: give five fields, such as 0 3 * * *",
        ),
        (("set", "acme", "time_zone=?"), "time_zone: not a time zone: give a name such as UTC or Europe/Warsaw"),
        (("set", "acme", "dreaming_model=a\tb"), "dreaming_model: a model's name has no control characters"),
        (("set", "acme", "decay_rate=1"), "decay_rate: "),
        (("set", "nobody", "decay_rate=0.1"), "no tenant 'nobody'"),
        (("unset", "acme"), "names, or --all"),
        (("unset", "acme", "decay_rate", "--all"), "names, or --all"),
    ],
)
async def test_what_cannot_be_set_is_said_in_a_line_and_nothing_changes(cli, pool, arguments, says):
    told = await cli("tenants", *arguments)
    assert (told.exit_code, told.stdout, says in told.stderr) == (1 if "nobody" in arguments else 2, "", True)
    assert (await control_of(pool, "acme")).overrides == TenantOverrides()


def test_every_override_has_its_setting():
    assert set(DEPLOYMENTS) == set(NAMES)
    assert {name.lower() for name in DEPLOYMENTS.values()} <= set(Settings.model_fields)
