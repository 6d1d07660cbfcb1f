import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.rae.summarization import SummarizationWorker
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import execute, fetch, fetch_value
from tests.agents import talk, write

SAMPLES = Path(__file__).parents[2] / "samples" / "memories.jsonl"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
VERSIONS = "SELECT id, xmin::text, ctid::text FROM memories ORDER BY id"


def _settings(**changes):
    return Settings(_env_file=None, **changes)


async def _decay(pool, as_of):
    await DecayWorker(pool, _settings()).run_decay_cycle(as_of=as_of)


@pytest.fixture
async def decayed(pool):
    """Three memories of acme and two of bolt, forty days old and decayed since the first of them."""
    ids = await write(pool, "acme", talk(3), start=NOW - 40 * DAY, importance=0.8)
    ids += await write(pool, "bolt", talk(2), start=NOW - 40 * DAY, importance=0.6)
    await execute(pool, "UPDATE memories SET last_accessed_at = NULL")
    for as_of in (NOW - 39 * DAY, NOW - DAY):
        await _decay(pool, as_of)
    return ids


async def _importances(pool, tenant):
    return [
        row["importance"] for row in await fetch(pool, "SELECT importance FROM memories WHERE tenant_id = $1", tenant)
    ]


async def test_what_needs_the_store_alone_starts_no_server(cli, home, decayed):
    for command in (["migrate"], ["tenants", "list"], ["memories", "import", SAMPLES], ["simulate"]):
        assert (await cli(*command)).exit_code == 0
    assert (await cli("memories", "explain", decayed[0])).exit_code == 0
    assert (await cli("memories", "restore", "--all", "--yes")).exit_code == 0
    assert not home.exists()


async def test_explain_agrees_with_the_table(cli, pool, decayed):
    as_of = (NOW - DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = json.loads((await cli("memories", "explain", decayed[0], "--as-of", as_of, "--json")).stdout)
    stored = await fetch_value(pool, "SELECT importance FROM memories WHERE id = $1", decayed[0])
    assert told["result"] == pytest.approx(stored, abs=1e-12)
    assert (told["stored"], told["stored_agrees"], told["verdict"], told["base"]) == (stored, True, "known", 0.8)
    assert told["base"] * told["factor"] == pytest.approx(told["result"], abs=1e-12)
    assert sum(part["exposure_days"] for part in told["segments"]) == pytest.approx(told["exposure_days"])


async def test_explain_tells_the_whole_calculation(cli, decayed):
    told = await cli("memories", "explain", decayed[0], MEMORY_DECAY_LAYERS="episodic=2")
    assert told.exit_code == 0
    for part in (
        "it decays from its base", "base         0.800000", "staged (MEMORY_DECAY_POLICY): 0.001 lost per day",
        "it leaves    0.7 of the base for good (as this store began)", "it costs     +0.0 points of recall, -3.2 where evidence is older",
        "x 2 for the layer episodic", "factor       0.7 + 0.3 x exp(-0.0010005 x", "max(0.01, 0.800000 x", "stored now",
        "the next run writes the result", "protected", "regular", "stale", "0.5  never: 0.560 stays",
    ):  # fmt: skip
        assert part in told.stdout


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"MEMORY_DECAY_POLICY": "bounded"}, "0.7 + 0.3 x exp("),
        ({"MEMORY_DECAY_POLICY": "bounded"}, "0.1  never: 0.560 stays"),
        ({"MEMORY_DECAY_RETAINED": "0"}, "it leaves    0 of the base for good (MEMORY_DECAY_RETAINED)"),
        ({"MEMORY_DECAY_RETAINED": "0"}, "0.01  20"),
        ({"MEMORY_DECAY_RETAINED": "0", "MEMORY_DECAY_LAYERS": "episodic=0"}, "0.1  not within 200 years"),
        ({"MEMORY_DECAY_RETAINED": "0.2"}, "it costs     not measured: docs/decay.md"),
        ({"MEMORY_BASE_DECAY_RATE": "0.5"}, "0.01 lost per day at multiplier 1 (MEMORY_BASE_DECAY_RATE, within MEMORY_MAX_DECAY_RATE)"),
        ({"MEMORY_ACCESS_COUNT_BOOST": "false"}, "access does not count"),
        ({"MEMORY_IMPORTANCE_DECAY_ENABLED": "false"}, "Decay is off"),
        ({"MEMORY_DECAY_TOLERANCE": "0.4"}, "nearer than MEMORY_DECAY_TOLERANCE (0.4)"),
    ],
)  # fmt: skip
async def test_explain_goes_by_the_settings(cli, decayed, settings, part):
    assert part in (await cli("memories", "explain", decayed[0], **settings)).stdout


@pytest.mark.parametrize(
    ("deed", "part"),
    [
        ("importance = NULL", "stored now   none"),
        ("importance = 'NaN'", "stored now   nan"),
        ("tags = '{pinned}'", "this one: pinned"),
        ("importance = 0.4", "the agent has set it since"),
        ("tags = '{[red]}', layer = '[/]'", "[/]"),
    ],
)
async def test_explain_has_an_answer_for_every_memory(cli, pool, decayed, deed, part):
    await execute(pool, f"UPDATE memories SET {deed} WHERE id = $1", decayed[0])  # noqa: S608
    told = await cli("memories", "explain", decayed[0])
    assert (told.exit_code, part in told.stdout) == (0, True)
    assert json.loads((await cli("memories", "explain", decayed[0], "--json")).stdout)["tenant_id"] == "acme"


async def test_explain_shows_what_a_summary_was_made_from(cli, pool):
    ids = await write(pool, "acme", talk(12), session="s1", start=NOW - 2 * DAY)
    summary = await SummarizationWorker(pool, _settings()).summarize_session("acme", "shop", "s1")
    assert summary is not None
    told = (await cli("memories", "explain", summary["id"])).stdout
    assert "Made from 12 memories" in told
    assert "... and 2 more" in told
    as_data = json.loads((await cli("memories", "explain", summary["id"], "--json")).stdout)
    assert [source["id"] for source in as_data["derived"]["sources"]] == list(map(str, ids))


async def test_explain_shows_what_was_made_from_a_memory_and_what_of_its_sources_is_gone(cli, pool):
    first, second, *_ = await write(pool, "acme", talk(12), session="s")
    summary = await SummarizationWorker(pool, Settings(rae_llm_backend="extractive")).summarize_session(
        "acme", "shop", "s"
    )
    assert summary is not None
    told = (await cli("memories", "explain", first)).stdout
    assert "What was made from it" in told
    assert summary["id"] in told
    [made] = json.loads((await cli("memories", "explain", first, "--json")).stdout)["dependents"]
    assert (made["id"], made["task"], made["subject"]) == (summary["id"], "summarization", "s")
    await execute(pool, "DELETE FROM memories WHERE id = $1", first)
    await execute(pool, "UPDATE memories SET content = 'Never mind.' WHERE id = $1", second)
    told = (await cli("memories", "explain", summary["id"])).stdout
    assert "Made from 11 memories; edited since: 1; gone: 1" in told
    told = (await cli("tenants", "show", "acme")).stdout
    assert "Made from memories that are gone, the latest first" in told


async def test_explain_names_a_memory_that_is_not_there(cli):
    told = await cli("memories", "explain", missing := uuid4())
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.splitlines()[1:] == [f"error: no memory {missing}: check the id"]


@pytest.mark.usefixtures("decayed")
async def test_restore_puts_a_tenant_back_and_says_what_comes_next(cli, pool):
    others = await _importances(pool, "bolt")
    told = await cli("memories", "restore", "--tenant", "acme", "--by", "ana")
    assert told.exit_code == 0
    assert told.stdout.startswith("restored 3 memories of acme (ana)\n")
    assert "there is no undo" in told.stdout
    assert "starter.py tenants pause acme" in told.stdout
    assert await _importances(pool, "acme") == [0.8] * 3
    assert await _importances(pool, "bolt") == others != [0.6] * 2


async def test_restore_takes_memories_or_everything(cli, pool, decayed):
    one = await cli("memories", "restore", "--memory", decayed[0], "--memory", decayed[3], "--json")
    assert json.loads(one.stdout) | {"at": ""} == {
        "at": "", "restored": 2, "renewed": 0, "left": 0, "busy": 0, "dry_run": False,
    }  # fmt: skip
    everything = json.loads((await cli("memories", "restore", "--all", "--yes", "--json")).stdout)
    assert (everything["restored"], everything["renewed"]) == (3, 2)
    assert await _importances(pool, "acme") + await _importances(pool, "bolt") == [0.8] * 3 + [0.6] * 2


@pytest.mark.usefixtures("decayed")
async def test_a_dry_run_of_restore_writes_nothing(cli, pool):
    before = await fetch(pool, VERSIONS)
    told = await cli("memories", "restore", "--all", "--dry-run")
    assert told.stdout == "would restore 5 memories\n"
    assert await fetch(pool, VERSIONS) == before


@pytest.mark.usefixtures("decayed")
async def test_everything_is_restored_only_after_a_yes(cli, pool):
    before = await fetch(pool, VERSIONS)
    told = await cli("memories", "restore", "--all")
    assert (told.exit_code, told.stdout.strip()) == (1, "")
    assert "every memory of every tenant?" in told.stderr
    assert await fetch(pool, VERSIONS) == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--by", "ana"],
        ["--tenant", "acme", "--all"],
        ["--tenant", "acme", "--memory", str(uuid4())],
        ["--tenant", ""],
    ],
)
async def test_restore_wants_exact_arguments(cli, pool, decayed, arguments):
    before = await fetch(pool, VERSIONS)
    told = await cli("memories", "restore", *arguments)
    assert (told.exit_code, told.stdout) == (1 if "" in arguments else 2, "")
    assert told.stderr.splitlines()[-1].startswith("error: ")
    assert len(decayed) == len(before)
    assert await fetch(pool, VERSIONS) == before


async def test_restore_of_an_empty_store_says_so(cli):
    told = await cli("memories", "restore", "--all", "--yes")
    assert (told.exit_code, "the memories table is empty" in told.stderr) == (1, True)
