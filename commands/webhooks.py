"""``webhooks``: whether receivers take events, and sending them by hand."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import uuid4

import typer

from commands.console import FAILED, AsJson, print_json, run, say, settings_for_command
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.webhooks.delivery import Delivery, deliver_events, ping, place
from memory_maintenance.webhooks.event import TYPE_PREFIX
from memory_maintenance.webhooks.outbox import send_again
from runtime.wiring import running_store

app = typer.Typer(no_args_is_help=True, help="Webhooks: try their receivers, send what waits.")


@app.callback()
def webhooks() -> None:
    """Webhooks: try their receivers, send what waits."""


@app.command("test")
def ping_receivers(as_json: AsJson = False) -> None:
    """Send each receiver of WEBHOOK_URLS an event of the type ping; end with status 1 where one does not take it."""
    results = run(_pinged(settings_for_command()))
    if as_json:
        print_json({"receivers": results})
    else:
        for one in results:
            say(f"{one['receiver']}: {one['reason'] or 'took the event'} ({TYPE_PREFIX}ping {one['event_id']})")
    if any(one["reason"] for one in results):
        raise typer.Exit(FAILED)


@app.command("deliver")
def deliver(
    refused: Annotated[bool, typer.Option("--refused", help="Also the events that receivers have refused.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the events that wait now, as the next cycle would; end with status 1 where a receiver takes none."""
    settings = settings_for_command()
    done = run(_delivered(settings, refused=refused))
    if as_json:
        print_json(asdict(done))
    else:
        say(f"{done.delivered} events delivered, {done.rejected} refused")
    if done.rejected:
        raise typer.Exit(FAILED)


async def _delivered(settings: Settings, *, refused: bool) -> Delivery:
    _ensure_on(settings)
    async with running_store(settings) as pool:
        if refused:
            await send_again(pool, settings)
        return await deliver_events(pool, settings)


def _ensure_on(settings: Settings) -> None:
    if not settings.webhook_endpoints:
        raise SettingsError("WEBHOOK_URLS is not set: name the addresses that are to receive events")


async def _pinged(settings: Settings) -> list[dict[str, str | None]]:
    _ensure_on(settings)
    results = []
    for url in settings.webhook_endpoints:
        number = str(uuid4())
        answer = await ping(settings, url, number)
        results.append({"receiver": place(url), "event_id": number, "status": answer.status, "reason": answer.reason})
    return results
