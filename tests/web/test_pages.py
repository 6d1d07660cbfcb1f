"""What the pages say of a real store, what they never say, and what an error looks like."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from memory_maintenance.inspection.report import cycle_report
from memory_maintenance.store.pool import execute, fetch_value
from runtime.schedules import apply_schedule
from tests.settings import settings
from tests.web.conftest import NOWHERE, STRANGE, client_of
from web.application import PAGES
from web.cycle_page import saved_page
from web.sources import Sources, opened

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """What a screen reader goes by, and elements that are not closed in their order."""

    def __init__(self, text):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def words(text):
    """Return what a page says, without markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text.partition("<body>")[2])).split())


@pytest.fixture
def addresses(store):
    """Every page, with something to show."""
    return [
        "/", "/fleet", "/fleet?q=no-such-tenant", f"/memory?id={store.memory}", f"/memory?id={store.summary}",
        "/memory", "/tenant?id=acme", "/tenant?id=bolt", "/cycles", "/cycle", f"/cycle?id={store.cycle}",
        "/review", "/review?tenant=nobody", f"/proposal?id={store.proposal}",
    ]  # fmt: skip


async def test_every_page_is_well_formed_has_landmarks_and_labels_and_loads_nothing_foreign(get, addresses):
    assert {page.path for page in PAGES} <= {address.partition("?")[0] for address in addresses}
    for address in addresses:
        found = await get(address)
        assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8"), address
        page = Outline(found.text)
        assert (page.wrong, page.open) == ([], []), address
        assert [len(page.all(tag)) for tag in ("h1", "main", "footer")] == [1, 1, 1], address
        assert re.search(r"<title>[^<]+ - memory-maintenance</title>", found.text), address
        assert page.all("script") == page.all("style") == page.all("img") == page.all("iframe") == []
        assert not [attrs for _, attrs in page.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids)), address
        named = {label["for"] for label in page.all("label")}
        fields = [field for tag in ("input", "select") for field in page.all(tag) if field.get("type") != "hidden"]
        assert {field["id"] for field in fields} == named
        assert all("scope" in cell for cell in page.all("th")), address
        assert all(nav.get("aria-label") for nav in page.all("nav")), address
        assert len(page.all("caption")) == len(page.all("table"))
        assert [a["href"] for a in page.all("a") if not a["href"].startswith(("/", "#"))] == []
        assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        assert found.headers["cache-control"] == "no-store"


async def test_every_link_of_the_pages_leads_somewhere(get, addresses):
    links = set()
    for address in addresses:
        page = Outline((await get(address)).text)
        here = {a["href"] for tag in ("a", "link") for a in page.all(tag)}
        inside = {link[1:] for link in here if link.startswith("#")}
        assert inside <= {attrs.get("id") for _, attrs in page.tags}, address
        links |= here
    found = {link: (await get(link)).status_code for link in sorted(links) if link.startswith("/")}
    assert set(found.values()) == {200}


async def test_foreign_text_is_escaped_and_what_steers_a_reader_is_written_out(get):
    for address in (
        "/fleet",
        "/review",
        f"/tenant?id={quote(STRANGE)}",
        f"/tenant?id={quote('no' + STRANGE)}",
        f"/{quote(STRANGE)}",
    ):
        text = (await get(address)).text
        assert not re.search("[\u202e\x1b]|<b>", text), address
    assert "<b>&\\u202eksud\\x1b[31m" in words((await get("/fleet")).text)


async def test_no_page_has_text_of_a_memory_unless_asked_for(get, store, addresses):
    assert not [address for address in addresses if "Mara" in (await get(address)).text]
    async with opened(Sources(settings(), store.url, NOWHERE, with_text=True)) as sources, client_of(sources) as client:
        assert "customer Mara" in (await client.get(f"/memory?id={store.summary}")).text
        assert "with the text of memories" in (await client.get("/")).text


async def test_the_tenant_page_says_runs_waiting_sessions_budget_overrides_and_orders(get):
    said = words((await get("/tenant?id=acme")).text)
    for part in (
        "The last 3 runs that had work for it", "young shop 3", "3 new events, 10 are needed", "0 of 12,345",
        "decay_rate 0.005", "set ana asked for decay_rate=0.005", "staged (MEMORY_DECAY_POLICY), 0.005 a day (override)",
    ):  # fmt: skip
        assert part in said
    said = words((await get("/tenant?id=bolt")).text)
    assert "by ana: restoring a backup" in said
    assert "starter.py tenants resume bolt" in said


async def test_the_fleet_is_searched_filtered_and_paged(get, store):
    said = words((await get("/fleet")).text)
    assert "failing (1)" in said
    assert "paused (1)" in said
    assert "1 tenant found" in words((await get("/fleet?q=ACM")).text)
    assert "1 tenant found" in words((await get("/fleet?state=paused")).text)
    await execute(
        store.pool, "INSERT INTO maintenance.tenants (tenant_id) SELECT 'many' || n FROM generate_series(1, 120) n"
    )
    assert "page 2 of 3" in words((await get("/fleet?q=many&page=2")).text)
    await execute(
        store.pool, """UPDATE maintenance.tenants SET overrides = '{"decay_rate": "x"}' WHERE tenant_id = 'many7'"""
    )
    broken = words((await get("/fleet?q=many")).text)
    assert "unreadable (1)" in broken
    assert broken.index("many7 unreadable") < broken.index("many1 no run yet")
    assert "1 tenant found" in words((await get("/fleet?state=unreadable")).text)
    for page in ("0", "-1", "x", "99", "9" * 40):
        assert (await get(f"/fleet?q=many&page={page}")).status_code == 200
    assert "page 3 of 3" in words((await get("/fleet?q=many&page=99")).text)
    await execute(store.pool, "DELETE FROM maintenance.tenants WHERE tenant_id LIKE 'many%'")


async def test_the_memory_page_draws_its_curve_with_the_access_and_links_both_ways(get, store):
    text = (await get(f"/memory?id={store.memory}")).text
    assert text.count('<path class="line') == 2
    assert "last access " in text
    assert "by the rule now" in text
    assert "The line is what the rule makes" in words(text)
    source = await fetch_value(store.pool, "SELECT source_id FROM maintenance.lineage LIMIT 1")
    assert f"/memory?id={source}" in (await get(f"/memory?id={store.summary}")).text
    assert f"/memory?id={store.summary}" in (await get(f"/memory?id={source}")).text


async def test_the_cycles_page_has_the_trend_and_each_night_is_the_page_of_the_report(get, store):
    text = (await get("/cycles")).text
    assert "The last 3 daily cycles" in words(text)
    assert text.count("<figure") > 4
    said = words((await get(f"/cycle?id={store.cycle}")).text)
    assert "tenants with work 4 of 9 looked at" in said
    assert "memories that decay knew when the cycle ended" in said


async def test_a_cycle_whose_importance_was_not_recorded_says_when_it_is(store):
    text = saved_page(replace(await cycle_report(store.pool), importance=None))
    assert "Not recorded: this is done at the end of a cycle of the whole fleet" in words(text)
    assert "Histogram of importance" not in text


async def test_what_there_is_not_is_said_with_its_status(get):
    for address, status, says in (
        ("/tenant?id=nobody", 404, "no tenant"),
        ("/tenant", 404, "no tenant"),
        ("/tenant?id=a%00b", 400, ""),
        ("/memory?id=01a21047-b3f2-7000-8000-000000000001", 404, "no memory"),
        ("/memory?id=nonsense", 400, "give a UUID"),
        ("/cycle?id=ffffffff", 404, "no cycle has the id"),
        ("/proposal?id=99", 404, "no change 99"),
        ("/proposal", 400, "not the number of a proposal"),
        ("/review?before=x", 400, "not the number of a proposal"),
        ("/nowhere", 404, "There is no such page."),
    ):
        found = await get(address)
        assert (found.status_code, says in words(found.text)) == (status, True), address


async def test_nothing_but_reading_is_taken(store):
    async with opened(Sources(settings(), store.url, NOWHERE)) as sources, client_of(sources) as client:
        assert {(await client.request(how, "/fleet")).status_code for how in ("POST", "PUT", "DELETE")} == {405}


async def test_without_temporal_the_store_is_shown_and_the_verdict_says_so(get):
    said = words((await get("/")).text)
    assert "Tonight: unknown, because Temporal does not answer" in said
    assert "A daily run as of" in said


async def test_without_a_store_a_page_says_so_and_works_once_it_answers(store):
    sources = Sources(settings(), "postgresql://127.0.0.1:1/x", NOWHERE)
    async with opened(sources), client_of(sources) as client:
        for page in PAGES:
            found = await client.get(page.path)
            assert (found.status_code, "does not answer" in words(found.text)) == (503, True), page.path
        sources.database_url = store.url
        assert (await client.get("/fleet")).status_code == 200


async def test_the_verdict_follows_the_schedule_and_the_workers(store, temporal):
    address = temporal.service_client.config.target_host
    async with opened(Sources(settings(), store.url, address)) as sources, client_of(sources) as client:
        assert "the daily schedule is not set up yet" in words((await client.get("/")).text)
        await apply_schedule(temporal, settings(), "daily")
        assert "will not run, no worker polls" in words((await client.get("/")).text)
        await temporal.get_schedule_handle("memory-maintenance-daily").pause(note="moving house")
        assert "the daily schedule is paused (moving house)" in words((await client.get("/")).text)
