import json
import re
from datetime import timedelta
from xml.dom import minidom

import pytest

from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.store.pool import fetch_value
from memory_maintenance.tenants.overrides import override
from tests.agents import AS_OF, write
from tests.settings import settings

CHECKSUM = "SELECT md5(string_agg(m.xmin::text || m::text, '' ORDER BY id)) FROM memories m"
DAY = timedelta(days=1)


@pytest.fixture
async def decayed(pool):
    """Thirty memories of two tenants with a base."""
    for tenant in ("acme", "bolt"):
        for tenth in range(1, 6):
            await write(pool, tenant, ["a", "b", "c"], start=AS_OF - tenth * 30 * DAY, importance=tenth / 5)
    for as_of in (AS_OF - 30 * DAY, AS_OF):
        await DecayWorker(pool, settings()).run_decay_cycle(as_of=as_of)


@pytest.mark.usefixtures("decayed")
async def test_it_shows_today_against_the_day_and_writes_nothing(cli, pool):
    before = await fetch_value(pool, CHECKSUM)
    told = await cli("simulate", "--policy", "bounded", "--days", 90)
    assert told.exit_code == 0
    assert told.stdout.startswith("bounded: 30 memories of 2 tenants in 90 days")
    for part in (
        "day 90",
        "about 1.0",
        "50% are at or below",
        "at the floor",
        "pairs that swap",
        "staged keeping 0: -3.1 points of recall, -15.2 where evidence is older than 90 days",
        "Nothing was written.",
    ):
        assert part in told.stdout
    assert await fetch_value(pool, CHECKSUM) == before


@pytest.mark.usefixtures("decayed")
@pytest.mark.parametrize(
    ("policy", "part"),
    [
        pytest.param("staged", "staged, the present rate, 0.4 of the base stays: 30 memories", id="staged"),
        pytest.param("bounded", "note: bounded always leaves 0.7 of the base", id="bounded has its own"),
    ],
)
async def test_a_share_that_stays_is_named(cli, policy, part):
    told = (await cli("simulate", "--policy", policy, "--retained", 0.4)).stdout
    assert part in " ".join(told.split())


@pytest.mark.usefixtures("decayed")
async def test_as_data_it_counts_every_memory(cli):
    told = json.loads(
        (await cli("simulate", "--policy", "staged", "--rate", 0.01, "--tenant", "acme", "--json")).stdout
    )
    assert [sum(told[when]["histogram"]) for when in ("today", "tonight", "later")] == [15] * 3
    assert told["later"]["quantiles"]["0.5"] < told["later_by_present_rule"]["quantiles"]["0.5"]
    assert (told["order"]["pairs"], told["verdicts"], told["repricing"]["lowered"]) == (105, {"known": 15}, 15)


@pytest.mark.usefixtures("decayed")
@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["--rate", "0.5"], "note: 0.5 is outside MEMORY_MIN_DECAY_RATE and MEMORY_MAX_DECAY_RATE: 0.01 is used"),
        (["--policy", "bounded", "--rate", "0.005"], "note: bounded goes by its half-life"),
        (["--tenant", "bolt"], "note: decay is off for 1 of them"),
    ],
)
async def test_it_says_where_it_is_not_as_asked(cli, pool, arguments, note):
    await override(pool, "bolt", {"decay_enabled": False})
    assert note in (await cli("simulate", *arguments)).stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--rate", "1.5"], 2, "give the share lost per day"),
        (["--days", "0"], 2, "give a number from 1"),
        (["--tenant", "nobody"], 1, "no tenant 'nobody'"),
        (["--plot", "picture.png"], 2, "give a file ending in .svg or .html"),
        (["--plot", "/nowhere/at/all.svg"], 2, "/nowhere/at/all.svg cannot be written"),
        (["--policy", "forever"], 2, "forever"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(cli, arguments, status, message):
    told = await cli("simulate", *arguments)
    assert (told.exit_code, message in told.stderr) == (status, True)


async def test_an_empty_store_is_no_failure(cli, tmp_path):
    told = await cli("simulate", "--plot", tmp_path / "nothing.svg")
    assert (told.exit_code, "there is no memory with a valid importance" in told.stdout) == (0, True)


@pytest.mark.usefixtures("decayed")
async def test_it_draws_a_picture(cli, tmp_path):
    assert (await cli("simulate", "--policy", "bounded", "--plot", tmp_path / "picture.svg")).exit_code == 0
    drawn = minidom.parse(str(tmp_path / "picture.svg"))  # noqa: S318  our own file
    words = {node.nodeValue for element in drawn.getElementsByTagName("text") for node in element.childNodes}
    assert words >= {"today", "day 365, the rule that is tried", "day 365, the present rule", "days from now"}
    heights = {name: [float(bar.getAttribute("height")) for bar in drawn.getElementsByTagName("rect")
                      if bar.getAttribute("class") == name and bar.hasChildNodes()]
               for name in ("today", "tried", "present")}  # fmt: skip
    assert {name: (len(found), sum(found) > 0) for name, found in heights.items()} == dict.fromkeys(heights, (11, True))
    assert [len(line.getAttribute("points").split()) > 2 for line in drawn.getElementsByTagName("polyline")] == [
        True
    ] * 2


@pytest.mark.usefixtures("decayed")
async def test_the_page_stands_alone_and_takes_the_readers_colours(cli, tmp_path):
    await cli("simulate", "--policy", "bounded", "--plot", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "color-scheme: light dark" in page
    assert page.count("<svg") == 1
    assert not re.findall(r"<(?:script|link|img)|src=|url\(http", page)
    assert page[page.index("<svg") :].count("@media (prefers-color-scheme: dark)") == 1
    # What makes a line no area comes behind the colours of the night.
    assert page.index("prefers-color-scheme: dark) {\n  .simulation") < page.index(".simulation .line")
    assert "At the floor on day 365: 0 of 30 memories" in page
