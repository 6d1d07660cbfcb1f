"""What the outbox holds reaches receivers at least once, with the same id, and nothing else reaches anybody."""

import asyncio
from datetime import timedelta

import pytest

from memory_maintenance.cycles.run import run_maintenance
from memory_maintenance.errors import WebhookError
from memory_maintenance.inspection.webhook_health import deliveries
from memory_maintenance.store.pool import execute, fetch
from memory_maintenance.webhooks import delivery, sending
from memory_maintenance.webhooks.delivery import Delivery, deliver_at_end, deliver_events
from tests.commands.conftest import cli, home, quiet_again
from tests.settings import settings
from tests.webhooks.receiver import SECRET
from tests.webhooks.test_outbox import closed

__all__ = ["cli", "home", "quiet_again"]

UNSEEN = settings(webhook_urls="http://127.0.0.1:1/hooks", webhook_secret=SECRET)


async def state(pool):
    rows = await fetch(pool, "SELECT status, attempts, reason FROM maintenance.webhook_events ORDER BY occurred_at")
    return [tuple(row) for row in rows]


@pytest.fixture
async def chosen(receiver):
    return settings(**receiver.settings)


ANSWERS = [
    pytest.param(204, "delivered", None, id="taken"),
    pytest.param(202, "delivered", None, id="accepted"),
    pytest.param(302, "rejected", "redirect", id="a redirect"),
    pytest.param(307, "rejected", "redirect", id="a redirect that keeps the method"),
    pytest.param(401, "rejected", "status_401", id="the signature is not believed"),
    pytest.param(404, "rejected", "status_404", id="a wrong path"),
    pytest.param(410, "rejected", "gone", id="the receiver wants no more"),
    pytest.param(408, "waiting", "status_408", id="too slow"),
    pytest.param(429, "waiting", "status_429", id="too many"),
    pytest.param(500, "waiting", "status_500", id="a fault"),
    pytest.param(503, "waiting", "status_503", id="overloaded"),
]


@pytest.mark.parametrize(("status", "left", "reason"), ANSWERS)
async def test_what_an_answer_means(pool, receiver, other, chosen, status, left, reason):
    await closed(pool, chosen)
    receiver.reply(status, location=other.url, retry_after="7")
    if left == "waiting":
        with pytest.raises(WebhookError, match=r"127\.0\.0\.1:") as caught:
            await deliver_events(pool, chosen)
        assert caught.value.retry_after == timedelta(seconds=7)
        assert "token" not in str(caught.value)
    else:
        await deliver_events(pool, chosen)
    assert await state(pool) == [(left, 1, reason)]
    assert await deliver_events(pool, chosen) == Delivery(delivered=int(left == "waiting"))
    assert (len(receiver.requests), other.requests) == (1 + (left == "waiting"), [])


async def test_a_receiver_that_is_not_there_leaves_events_waiting(pool):
    await closed(pool, UNSEEN)
    with pytest.raises(WebhookError, match="unreachable"):
        await deliver_events(pool, UNSEEN)
    assert await state(pool) == [("waiting", 1, "unreachable")]


async def test_a_receiver_that_does_not_answer_is_left_after_a_while(pool, receiver, chosen, monkeypatch):
    monkeypatch.setattr(sending, "PATIENCE", timedelta(milliseconds=50))
    await closed(pool, chosen)
    receiver.may_answer.clear()
    with pytest.raises(WebhookError, match="timeout"):
        await deliver_events(pool, chosen)


async def test_an_endless_answer_is_not_read(pool, endless):
    chosen = settings(webhook_urls=endless, webhook_secret=SECRET)
    await closed(pool, chosen)
    assert await deliver_events(pool, chosen) == Delivery(delivered=1)


@pytest.fixture
async def endless():
    """A receiver whose answer never ends."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        try:
            while True:
                writer.write(b" " * 65_536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_who_was_stopped_between_sending_and_recording_sends_the_same_event_again(pool, receiver, chosen):
    await closed(pool, chosen)
    receiver.may_answer.clear()
    cut = asyncio.create_task(deliver_events(pool, chosen))
    await receiver.arrived(1)
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    receiver.may_answer.set()
    assert await deliver_events(pool, chosen) == Delivery(delivered=1)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.event["id"] == second.event["id"]


async def test_events_come_in_order_and_one_receiver_does_not_wait_for_another(pool, receiver, other):
    both = settings(webhook_urls=f"{receiver.url},{other.url}", webhook_secret=SECRET)
    cycles = [str(await closed(pool, both)) for _ in range(3)]
    receiver.reply(204, 503)
    with pytest.raises(WebhookError):
        await deliver_events(pool, both)
    assert [event["subject"] for event in other.events] == cycles
    assert [event["subject"] for event in receiver.events] == cycles[:2]
    assert await deliver_events(pool, both) == Delivery(delivered=2)
    assert [event["subject"] for event in receiver.events] == [*cycles[:2], *cycles[1:]]


@pytest.mark.parametrize("named", [False, True])
async def test_only_a_proxy_that_the_settings_name_is_used(pool, receiver, other, named, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, other.url)
    proxy = other.url.removesuffix("/hooks/token")
    chosen = settings(**receiver.settings, model_proxy=proxy, **({"webhook_proxy": proxy} if named else {}))
    await closed(pool, chosen)
    await deliver_events(pool, chosen)
    assert (len(receiver.requests), len(other.requests)) == (0, 1) if named else (1, 0)


async def test_old_events_are_purged_with_the_other_records(pool, chosen):
    await closed(pool, chosen)
    await closed(pool, chosen)
    await execute(
        pool,
        "UPDATE maintenance.webhook_events SET occurred_at = now() - interval '31 days'"
        " WHERE ctid = (SELECT min(ctid) FROM maintenance.webhook_events)",
    )
    assert await deliver_events(pool, chosen) == Delivery(delivered=1)
    assert len(await state(pool)) == 1


async def test_a_run_without_temporal_sends_in_a_few_attempts_and_ends_in_any_case(pool, receiver, chosen, monkeypatch):
    monkeypatch.setattr(delivery, "WAITS", (0.0, 0.0))
    receiver.reply(503, 503)
    stats = await run_maintenance(pool, chosen)
    finished = [event for event in receiver.events if event["type"] == "memory_maintenance.cycle.finished"]
    assert {event["data"]["cycle_id"] for event in finished} == {stats["cycle_id"]}
    assert len(await state(pool)) == len({request.headers["webhook-id"] for request in receiver.requests})
    assert {row[0] for row in await state(pool)} == {"delivered"}
    await deliver_at_end(pool, UNSEEN)


async def test_a_cycle_that_the_preflight_stops_is_reported(pool, receiver, chosen):
    ahead = "INSERT INTO maintenance.cycles (cycle_id, kind, as_of, config, started_at) VALUES"
    await execute(pool, f"{ahead} (gen_random_uuid(), 'daily', now(), '{{}}', now() + interval '1 day')")
    with pytest.raises(Exception, match="clock_behind"):
        await run_maintenance(pool, chosen)
    assert receiver.types == ["cycle.failed"]
    assert receiver.events[0]["data"]["error_type"] == "PreflightError"


async def test_what_was_refused_is_sent_again_by_hand(pool, receiver, chosen, cli):
    await closed(pool, chosen)
    environment = {name.upper(): value for name, value in receiver.settings.items()}
    receiver.reply(404, 404, 503)
    first = await cli("webhooks", "deliver", **environment)
    assert (first.exit_code, "0 events delivered, 1 refused" in first.output) == (1, True)
    assert (await cli("webhooks", "deliver", "--json", **environment)).exit_code == 0
    assert len(receiver.requests) == 1
    again = await cli("webhooks", "deliver", "--refused", **environment)
    assert (again.exit_code, len(receiver.requests)) == (1, 2)
    away = await cli("webhooks", "deliver", "--refused", **environment)
    assert (away.exit_code, "(status_503): the next cycle sends them" in away.output) == (1, True)
    taken = await cli("webhooks", "deliver", **environment)
    assert (taken.exit_code, "1 events delivered, 0 refused" in taken.output) == (0, True)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


async def test_doctor_says_what_was_not_delivered_and_why(pool, receiver, chosen):
    assert (await deliveries(pool, settings())).found == "off: WEBHOOK_URLS names no receiver"
    await closed(pool, chosen)
    await closed(pool, chosen)
    receiver.reply(410, 503)
    await deliver_at_end(pool, chosen, waits=())
    check = await deliveries(pool, chosen)
    assert check.level == "warning"
    assert "1 event refused by 127.0.0.1" in check.found
    assert "(gone)" in check.found
    assert "1 event not taken yet by 127.0.0.1" in check.found
    assert "token" not in check.found
    await execute(pool, "UPDATE maintenance.webhook_events SET status = 'delivered'")
    assert (await deliveries(pool, chosen)).level == "ok"
