"""``webhooks``: whether receivers take events."""

from __future__ import annotations

from uuid import uuid4

import typer

from commands.console import FAILED, AsJson, print_json, run, say, settings_for_command
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.webhooks.delivery import ping, place
from memory_maintenance.webhooks.event import TYPE_PREFIX

app = typer.Typer(no_args_is_help=True, help="Webhooks: whether their receivers take events.")


@app.callback()
def webhooks() -> None:
    """Webhooks: whether their receivers take events."""


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


async def _pinged(settings: Settings) -> list[dict[str, str | None]]:
    if not settings.webhook_endpoints:
        raise SettingsError("WEBHOOK_URLS is not set: name the addresses that are to receive events")
    results = []
    for url in settings.webhook_endpoints:
        number = str(uuid4())
        answer = await ping(settings, url, number)
        results.append({"receiver": place(url), "event_id": number, "status": answer.status, "reason": answer.reason})
    return results
