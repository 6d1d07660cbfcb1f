"""The report as a page: what it holds, and that real Chromium shows it well, wide and narrow, by day and by night."""

import asyncio
import json
import re
import shutil
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from memory_maintenance.rae.decay import DecayWorker
from memory_maintenance.summarization.policy import SessionKey
from tests.agents import talk, write
from tests.nights import DAY, NIGHT, night
from tests.settings import settings
from tests.steps import Summarizing
from web.charts import WIDTH, column_chart, ticks

CHROMIUM = shutil.which("chromium")
CSS = Path(__file__).parents[2] / "web" / "templates" / "report.css"
VOID = {"meta", "link", "br", "hr", "img", "input"}

in_chromium = [
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM, reason="left out: no chromium on the PATH (Debian: package chromium)"),
]


@pytest.fixture
async def page(cli, pool, tmp_path):
    """A report about the last of five nights, with text."""
    await write(pool, "acme", talk(12), session="s", start=NIGHT - timedelta(hours=5), importance=0.9)
    for spread in range(30):
        await write(pool, "bolt", ["x"], start=NIGHT - spread * DAY, importance=spread / 30)
    for as_of in (NIGHT - DAY, NIGHT):
        await DecayWorker(pool, settings(memory_base_decay_rate=0.01)).run_decay_cycle(as_of=as_of)
    for age in range(1, 5):
        await night(pool, at=NIGHT - age * DAY, status="failed" if age == 2 else "completed")
    cycle = await night(pool)
    await Summarizing(pool, settings()).summarize(SessionKey("acme", "shop", "s"), as_of=NIGHT, cycle_id=cycle)
    file = tmp_path / "report.html"
    told = await cli("report", "--html", file, "--with-text")
    assert told.exit_code == 0, told.stderr
    assert "It holds text of memories." in told.stdout
    return file


class _Balance(HTMLParser):
    """Finds elements that are not closed in their order."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):  # noqa: ARG002  the parser's signature
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """An SVG element that closes itself."""

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


async def test_the_page_stands_alone_is_well_formed_and_escapes_what_it_shows(page):
    text = page.read_text()
    assert not re.findall(r"<(?:script|link|img|iframe)|src=|url\(|@import|https?://", text)
    balance = _Balance()
    balance.feed(text)
    assert (balance.wrong, balance.open) == ([], [])
    assert "<b>&dusk" not in text
    assert "<b>&dusk" in unescape(text)


async def test_it_shows_the_night_in_numbers(page):
    text = " ".join(re.sub(r"<[^>]+>", " ", page.read_text()).split())
    for part in (
        "Daily maintenance as of 2026-03-10 02:00 UTC", "took 1 h 0 min", "tenants with work 4 of 9 looked at",
        "memories decayed 30 of 40 read", "tenants failed 2 see below", "memories that decay knew when the cycle ended",
        "budget exhausted 2", "StoreShapeError starter.py migrate", "The last 5 daily cycles",
        "No model was asked: texts were written by extractive",
    ):  # fmt: skip
        assert part in text


async def test_no_text_of_a_memory_is_in_it_unless_asked_for(page, cli, tmp_path):
    assert "customer Mara" in page.read_text()
    told = await cli("report", "--html", tmp_path / "plain.html")
    assert "It holds text" not in told.stdout
    assert "customer Mara" not in (tmp_path / "plain.html").read_text()


@pytest.mark.parametrize(
    ("status", "says"),
    [(None, "This cycle still runs"), ("cancelled", "cancelled"), ("failed", 'class="status failed"')],
)
async def test_a_cycle_that_did_not_complete_says_so(cli, pool, tmp_path, status, says):
    await night(pool, status=status, outcomes=())
    told = await cli("report", "--html", tmp_path / "r.html", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert told.exit_code == 0
    assert says in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--html", "/nowhere/at/all.html"), "/nowhere/at/all.html cannot be written"),
        (("ffff", "--html", "x.html"), "no cycle has the id 'ffff'"),
    ],
)
async def test_what_cannot_be_reported_is_said_in_a_line(cli, pool, arguments, says):
    await night(pool)
    told = await cli("report", *arguments)
    assert (told.exit_code, says in told.stderr) == (1, True)


async def test_a_store_without_a_cycle_says_how_to_make_one(cli, tmp_path):
    told = await cli("report", "--html", tmp_path / "r.html")
    assert (told.exit_code, "starter.py run daily" in told.stderr) == (1, True)


async def test_a_cycle_of_named_tenants_says_so_and_needs_no_trend(cli, pool, tmp_path):
    cycle = await night(pool, config={"named_tenants": 2})
    told = await cli("report", cycle, "--html", tmp_path / "r.html")
    text = " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / "r.html").read_text()).split())
    assert f"daily of 2 named cycle {cycle}" in told.stdout
    assert "Daily maintenance of 2 named tenants as of" in text
    assert "No daily cycle of the whole fleet yet" in text


# --- colours and charts -------------------------------------------------------------------------


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("names", "grounds", "least"),
    [
        pytest.param(("ink", "muted", "link", "good", "bad", "warn"), ("ground", "raised"), 4.5, id="text"),
        pytest.param(("before", "after", "bad"), ("ground",), 3, id="columns and bars"),
    ],
)
def test_every_colour_contrasts_with_its_background(scheme, names, grounds, least):
    blocks = re.findall(r":root \{(.*?)\}", CSS.read_text(), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[scheme]))
    contrasts = {(name, ground): _contrast(colours[name], colours[ground]) for name in names for ground in grounds}
    assert {pair: contrast for pair, contrast in contrasts.items() if contrast < least} == {}


@pytest.mark.parametrize(
    ("most", "expected"),
    [(0, [0]), (1, [0, 0.5, 1]), (7, [0, 2, 4, 6, 8]), (217, [0, 100, 200, 300]), (1e6, [0, 5e5, 1e6])],
)
def test_scales_have_round_values_up_to_the_greatest(most, expected):
    assert ticks(most) == pytest.approx(expected)


def test_columns_are_as_tall_as_their_values_and_never_leave_the_chart():
    chart = column_chart([[0, 1, 50], [100, 0.001, 25]], height=200, below=20)
    heights = [[column.height for column in series] for series in chart.columns]
    assert heights == [[0, pytest.approx(1.68), pytest.approx(84)], [pytest.approx(168), 1, pytest.approx(42)]]
    assert all(c.x > 0 and c.x + c.width <= WIDTH and c.y >= 0 for series in chart.columns for c in series)
    assert {round(c.y + c.height, 6) for series in chart.columns for c in series} == {180}


# --- in a real browser --------------------------------------------------------------------------

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--allow-file-access-from-files",
)

PROBE = """<!doctype html><body style="margin:0"><iframe src="report.html" style="width:%dpx;height:900px;border:0"></iframe>
<pre id="found"></pre><script>
onload = () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument, all = (s) => [...page.querySelectorAll(s)];
  for (const part of all("details")) part.open = true;
  const seen = (e) => e.checkVisibility();
  document.querySelector("#found").textContent = JSON.stringify({
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    resources: frame.contentWindow.performance.getEntriesByType("resource").length,
    landmarks: ["header", "nav", "main", "footer"].filter((name) => all(name).length !== 1),
    headings: all("h1").length,
    tables: all("table").filter((t) => !t.caption || !t.caption.textContent.trim()).length,
    cells: all("th").filter((c) => !c.scope).length,
    figures: all("figure").filter((f) => !f.getAttribute("aria-label")).length,
    drawings: all("svg").filter((s) => !s.closest("[aria-hidden=true]")).length,
    unreachable: all("div").filter((d) => d.scrollWidth > d.clientWidth + 1 && d.tabIndex !== 0).map((d) => d.className),
    unnamed: all("[role=region]").filter((r) => !r.getAttribute("aria-label")).length,
    dangling: all("a[href^='#']").filter((a) => !page.querySelector(a.getAttribute("href"))).length,
    first: all("a, button, summary, [tabindex]")[0].className,
    bars: all("svg.chart rect").filter((r) => r.height.baseVal.value > 0).length,
    small: all("p, td, th, dt, dd, li, caption").filter((e) => seen(e) && parseFloat(getComputedStyle(e).fontSize) < 12).length,
  });
};
</script>"""


async def _chromium(folder, *arguments):
    assert CHROMIUM
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


class TestInChromium:
    pytestmark = in_chromium

    @pytest.mark.parametrize("width", [390, 1280])
    async def test_it_fits_and_is_read_by_keyboard_and_screen_reader(self, page, width):
        probe = page.parent / "probe.html"
        probe.write_text(PROBE % width)
        dom = await _chromium(page.parent, "--window-size=1400,1000", "--dump-dom", probe.as_uri())
        match = re.search(r'<pre id="found">(.*?)</pre>', dom)
        assert match
        found = json.loads(unescape(match.group(1)))
        assert found.pop("bars") > 20
        assert found == {
            "overflow": 0, "resources": 0, "landmarks": [], "headings": 1, "tables": 0, "cells": 0, "figures": 0,
            "drawings": 0, "unreachable": [], "unnamed": 0, "dangling": 0, "first": "skip", "small": 0,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("options", "ground"),
        [((), (255, 255, 255)), (("--blink-settings=preferredColorScheme=0",), (13, 17, 23))],
        ids=["light", "dark"],
    )
    async def test_it_is_drawn_in_the_readers_colours(self, page, options, ground):
        await _chromium(page.parent, *options, "--window-size=1280,1600", "--screenshot=shot.png", page.as_uri())
        shot = Image.open(page.parent / "shot.png").convert("RGB")
        assert shot.getpixel((5, 5)) == ground
        after = {(255, 255, 255): (31, 111, 235), (13, 17, 23): (88, 166, 255)}[ground]
        pixels = {colour: count for count, colour in shot.getcolors(1 << 24) or []}
        assert pixels.get(after, 0) > 500
