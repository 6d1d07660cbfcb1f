"""The payload codec of a deployment: what a history holds with it, on a real server."""

import base64
import json
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from memory_maintenance.store.pool import Pool, fetch
from runtime.client import connect
from runtime.payloads import data_converter
from runtime.replay import replay_failure
from runtime.runs import start_run
from runtime.schedules import apply_schedule, described, is_as_set
from runtime.wanted_schedules import schedule_id
from runtime.workers import polling
from tests.workflows.conftest import remember_session
from workflows.messages import MaintenanceRequest

CODEC = "tests.runtime.codec:Hiding"
WORDS = ("projekt-zielony", "rozmowa-7", "restore of the green backup", "extractive", "memory_ids")
"""A project, a session, an operator's reason, the configuration, a name of a field."""


def _settings(codec: str | None) -> Settings:
    return Settings(_env_file=None, rae_llm_backend="extractive", temporal_payload_codec=codec)


async def _night(temporal: Client, pool: Pool, codec: str | None) -> tuple[str, dict[str, Any]]:
    """Do a cycle; return its three histories in plain text, payloads read as far as anybody can, and its result."""
    await remember_session(pool, "acme", events=12, project=WORDS[0], session=WORDS[1])
    settings = _settings(codec)
    client = await connect(temporal.service_client.config.target_host, settings)
    async with polling(client, settings, pool):
        run = await start_run(client, MaintenanceRequest(tenants=("acme",)))
        await run.signal("resume_tenant", {"tenant_id": "acme", "by": "ana", "reason": WORDS[2]})
        result = await run.result()
    histories = [
        await temporal.get_workflow_handle(each).fetch_history()
        for each in (run.id, f"{run.id}/page-1", "tenant-maintenance/acme")
    ]
    return "".join(_readable(json.loads(history.to_json())) for history in histories), result


def _readable(value: Any) -> str:
    """Everything in a history as text, with the data of payloads decoded from base64."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), str) and "metadata" in value:
            return base64.b64decode(value["data"]).decode("latin-1")
        return "".join(f"{name} {_readable(one)}\n" for name, one in value.items())
    return "".join(map(_readable, value)) if isinstance(value, list) else str(value)


async def test_without_a_codec_names_are_plain_text(temporal, pool):
    text, _ = await _night(temporal, pool, None)
    assert [word for word in WORDS[:4] if word not in text] == []


async def test_with_a_codec_no_project_session_or_operators_word_is_in_a_history(temporal, pool):
    text, result = await _night(temporal, pool, CODEC)
    assert [word for word in WORDS if word in text] == []
    ids = [str(row["id"]) for row in await fetch(pool, "SELECT id FROM memories")]
    assert [one for one in ids if one in text] == []
    assert (result["decay"]["total_updated"], result["tenants"]["completed"]) == (12, 1)
    history = await temporal.get_workflow_handle("tenant-maintenance/acme").fetch_history()
    assert await replay_failure(history.to_json(), _settings(CODEC)) is None
    assert "does not replay" in (await replay_failure(history.to_json(), _settings(None)) or "")


@pytest.mark.parametrize("codec", [CODEC, "tests.runtime.codec:an_object"])
def test_a_codec_is_named_as_an_object_or_as_what_makes_one(codec):
    assert data_converter(_settings(codec)).payload_codec is not None


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("tests.runtime.codec:Nothing", "cannot import"),
        ("no.such.module:Codec", "cannot import"),
        ("tests.runtime.codec", "cannot import"),
        (":", "cannot import"),
        ("tests.runtime.codec:no_codec", "is no temporalio.converter.PayloadCodec"),
    ],
)
async def test_a_name_that_is_no_codec_is_a_setting_to_correct(codec, said):
    with pytest.raises(SettingsError, match=said):
        await connect("127.0.0.1:1", _settings(codec))


async def test_a_client_without_the_codec_cannot_read_a_result(temporal, pool):
    _, _ = await _night(temporal, pool, CODEC)
    run = temporal.get_workflow_handle("tenant-maintenance/acme")
    with pytest.raises((RPCError, RuntimeError, KeyError)):
        await run.result()


async def test_a_schedule_that_is_applied_with_a_codec_is_as_set(temporal):
    settings = _settings("tests.runtime.codec:Salted")
    client = await connect(temporal.service_client.config.target_host, settings)
    await apply_schedule(client, settings, "daily")
    found = await described(client.get_schedule_handle(schedule_id("daily")))
    assert found is not None
    assert await is_as_set(client, found, settings, "daily")
