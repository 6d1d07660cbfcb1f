"""``starter.py schedules`` as an operator types it."""

import json

import pytest

from tests.processes.conftest import run_script

DAILY, HOURLY = "memory-maintenance-daily", "memory-maintenance-hourly"
ATTRIBUTES = "MaintenanceTenant, MaintenanceCycle, MaintenanceStatus"


async def _said(servers, *arguments, **settings) -> list[str]:
    ended = await run_script("starter.py", "schedules", *arguments, **servers, **settings)
    assert (ended.status, len(ended.err.splitlines())) == (0, 1)
    return ended.out.splitlines()


async def test_apply_pause_apply_list_and_delete(servers):
    see = "see them: starter.py schedules list"
    created = [f"{DAILY}: created", f"{HOURLY}: created", f"search attributes: registered {ATTRIBUTES}", see]
    assert await _said(servers, "apply") == created
    assert await _said(servers, "pause", "daily", "--by", "ana", "--note", "restoring a backup") == [
        f"paused {DAILY} (ana: restoring a backup); undo: starter.py schedules resume daily"
    ]
    changed = {"MAINTENANCE_DAILY_CRON": "0 3 * * *", "MAINTENANCE_HOURLY_CRON": "off"}
    applied = [f"{DAILY}: updated", f"{HOURLY}: removed", "search attributes: unchanged", see]
    assert await _said(servers, "apply", **changed) == applied
    listed = json.loads("".join(await _said(servers, "list", "--json")))
    assert [(each["id"], each["paused"], each["note"]) for each in listed] == [(DAILY, True, "ana: restoring a backup")]
    assert await _said(servers, "delete", "daily", "--by", "ana") == [
        f"deleted {DAILY} (ana); undo: starter.py schedules apply (for good: set MAINTENANCE_DAILY_CRON=off)"
    ]


async def test_a_trigger_names_the_run_and_a_second_one_starts_nothing(servers):
    await _said(servers, "apply")
    [started] = await _said(servers, "trigger", "hourly")
    assert started.startswith(f"started {HOURLY}-2")
    again = await run_script("starter.py", "schedules", "trigger", "hourly", **servers)
    assert (again.status, again.out) == (1, "")
    assert f"{HOURLY} runs already, nothing was started" in again.err


@pytest.mark.parametrize(
    ("command", "settings", "says"),
    [
        (("apply",), {"MAINTENANCE_TIME_ZONE": "Mars"}, "MAINTENANCE_TIME_ZONE: unknown time zone Mars"),
        (("apply",), {"MAINTENANCE_HOURLY_CRON": "hourly"}, "MAINTENANCE_HOURLY_CRON 'hourly': CronString"),
        (("apply",), {"TEMPORAL_NAMESPACE": "night"}, "has no namespace 'night'"),
        (("resume", "daily"), {}, f"no Schedule {DAILY}: create it with `starter.py schedules apply`"),
    ],
    ids=["zone", "cron", "namespace", "no schedule"],
)
async def test_what_is_wrong_is_one_line(servers, command, settings, says):
    ended = await run_script("starter.py", "schedules", *command, **servers, **settings)
    assert (ended.status, says in ended.err, len(ended.err.splitlines())) == (1, True, 2)
