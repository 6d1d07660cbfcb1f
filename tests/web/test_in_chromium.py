"""The pages in real Chromium: wide and narrow, by day and by night, by keyboard, and without an error on the console."""

import asyncio
import json
import re
import shutil
import socket
from html import unescape
from urllib.parse import quote

import pytest
import uvicorn
from PIL import Image
from starlette.datastructures import MutableHeaders

from memory_maintenance.changes.change import change
from tests.settings import settings
from tests.web.conftest import NOWHERE, proposed
from web.application import application
from web.sources import Sources, opened

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM, reason="left out: no chromium on the PATH (Debian: package chromium)"),
]

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
)

PROBE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="/icon.svg"><body style="margin:0">
<iframe src="%s" style="width:%dpx;height:900px;border:0"></iframe><pre id="found"></pre><script>
const luminance = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, n) => {
  const part = c[n] / 255; return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
}, 0);
const colour = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
onload = () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument, all = (s) => [...page.querySelectorAll(s)];
  const style = (e) => frame.contentWindow.getComputedStyle(e);
  for (const part of all("details")) part.open = true;
  const ground = (e) => {
    for (; e; e = e.parentElement) { const c = colour(style(e).backgroundColor); if (c.length < 4 || c[3]) return c; }
    return colour(style(page.body).backgroundColor);
  };
  const text = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) && e.checkVisibility();
  const weak = all("body *").filter((e) => text(e) && !e.closest("svg")).filter((e) => {
    const [one, other] = [luminance(colour(style(e).color)), luminance(ground(e))].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05) < 4.5;
  });
  document.querySelector("#found").textContent = JSON.stringify({
    overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    spilled: all("input, select, button, dd").filter((e) => e.getBoundingClientRect().right >
      e.parentElement.getBoundingClientRect().right + 1).map((e) => e.outerHTML),
    foreign: frame.contentWindow.performance.getEntriesByType("resource").map((r) => new URL(r.name))
      .filter((u) => u.origin !== location.origin).length,
    headings: all("h1").length,
    unreachable: all("div").filter((d) => d.scrollWidth > d.clientWidth + 1 && d.tabIndex !== 0).map((d) => d.className),
    unnamed: all("[role=region], [role=search], [role=figure], nav").filter((r) => !r.getAttribute("aria-label")).length,
    drawings: all("svg").filter((s) => !s.closest("[aria-hidden=true]")).length,
    weak: weak.map((e) => e.outerHTML),
    small: all("p, td, th, dt, dd, li, caption, label").filter((e) => e.checkVisibility() && parseFloat(style(e).fontSize) < 12).length,
    first: all("a, button, input, select, summary, [tabindex]")[0].className,
  });
};
</script>"""


DECIDE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="/icon.svg"><body>
<iframe src="%s" style="width:%dpx;height:900px"></iframe><pre id="found"></pre><script>
const frame = document.querySelector("iframe");
let decided = false;
frame.onload = () => {
  const page = frame.contentDocument, said = document.querySelector("#found");
  if (decided) return said.textContent = JSON.stringify([page.location.href, page.querySelector("[role=status]").innerText]);
  decided = true;
  page.querySelector("button[value=accept]").click();  // refused by the browser: no name
  if (!page.querySelector("form:invalid input:invalid")) return said.textContent = '["taken without a name", ""]';
  page.querySelector("#by").value = "ana";
  page.querySelector("button[value=accept]").click();
};
</script>"""
"""Fills in the form of a proposal as a reader would."""


def framed(app):
    """Return *app* with a page that frames the others: they forbid it, and a probe could not look into them."""

    async def answer(scope, receive, send):
        async def send_framed(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = headers["content-security-policy"].replace(
                    "frame-ancestors 'none'", "frame-ancestors 'self'"
                )
            await send(message)

        if scope["type"] == "http" and scope["path"] in ("/probe", "/decide"):
            width, address = scope["query_string"].decode().split("&", 1)
            body = ((PROBE if scope["path"] == "/probe" else DECIDE) % (address, int(width))).encode()
            head = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            return await send({"type": "http.response.body", "body": body})
        return await app(scope, receive, send_framed)

    return answer


@pytest.fixture
async def address(store):
    """Where the pages are served; Temporal does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with opened(Sources(settings(), store.url, NOWHERE, allow_review=True)) as sources:
            config = uvicorn.Config(framed(application(sources)), log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server._serve([listening]))
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            server.should_exit = True
            await serving


async def chromium(folder, *arguments):
    """Return what Chromium prints, once nothing is on its console."""
    assert CHROMIUM
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == 0
    assert [line for line in err.decode().splitlines() if "CONSOLE" in line] == []
    return out.decode()


SCHEMES = {"light": ((), (255, 255, 255)), "dark": (("--blink-settings=preferredColorScheme=0",), (13, 17, 23))}


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_page_fits_has_contrast_and_is_read_by_keyboard_and_screen_reader(store, address, tmp_path, scheme):
    pages = ["/", "/fleet", "/tenant?id=bolt", "/tenant?id=acme", f"/memory?id={store.memory}",
             f"/memory?id={store.summary}", "/cycles", "/cycle", "/review", f"/proposal?id={store.proposal}",
             "/tenant?id=nobody"]  # fmt: skip
    for page in pages:
        for width in (390, 1280):
            probe = f"{address}/probe?{width}&{quote(page, safe='/?=&')}"
            dom = await chromium(tmp_path, *SCHEMES[scheme][0], "--window-size=1400,1000", "--dump-dom", probe)
            match = re.search(r'<pre id="found">(.+?)</pre>', dom)
            assert match, (page, width)
            assert json.loads(unescape(match.group(1))) == {
                "overflow": 0, "spilled": [], "foreign": 0, "headings": 1, "unreachable": [], "unnamed": 0,
                "drawings": 0, "weak": [], "small": 0, "first": "skip",
            }, (page, width)  # fmt: skip


async def test_a_proposal_is_accepted_by_its_form(store, address, tmp_path):
    number = await proposed(store.pool, "bolt")
    page = f"{address}/decide?400&/proposal?id={number}"
    dom = await chromium(tmp_path, "--virtual-time-budget=20000", "--dump-dom", page)
    match = re.search(r'<pre id="found">(.+?)</pre>', dom)
    assert match
    where, said = json.loads(unescape(match.group(1)))
    assert (where, said.startswith("It is applied.")) == (f"{address}/proposal?id={number}", True)
    assert (await change(store.pool, number)).decided_by == "ana"


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_decay_curve_is_drawn_in_the_readers_colours(store, address, tmp_path, scheme):
    options, ground = SCHEMES[scheme]
    shot = f"--screenshot={tmp_path / 'shot.png'}"
    await chromium(tmp_path, *options, "--window-size=1280,1500", shot, f"{address}/memory?id={store.memory}")
    picture = Image.open(tmp_path / "shot.png").convert("RGB")
    assert picture.getpixel((5, 5)) == ground
    line = {"light": (31, 111, 235), "dark": (88, 166, 255)}[scheme]
    pixels = {colour: count for count, colour in picture.getcolors(1 << 24) or []}
    assert pixels.get(line, 0) > 500
