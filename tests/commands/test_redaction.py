"""What is shown of an address, and that no setting's secret is shown anywhere."""

import json
import re

import pytest

from memory_maintenance.errors import MaintenanceError, TemporalUnreachableError
from memory_maintenance.redaction import HIDDEN, shown_address, without_credentials
from memory_maintenance.settings import Settings
from memory_maintenance.store.failures import address
from memory_maintenance.writers.model.openai_client import endpoint_name

CANARY = "zqsecretcanary"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://api.example/v1", "https://api.example/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("temporal.example:7233", "temporal.example:7233"),
        ("postgresql://db.example/rae", "postgresql://db.example/rae"),
        ("postgresql:///rae?host=/tmp", "postgresql:///rae?***"),
        (f"postgresql://ana:{CANARY}@a:5432,b:5433/rae", "postgresql://***@a:5432,b:5433/rae"),
        (f"https://ana:{CANARY}@api.example:8443/v1", "https://***@api.example:8443/v1"),
        (f"https://{CANARY}@api.example/v1", "https://***@api.example/v1"),
        (f"https://api.example/v1?key={CANARY}&v=2", "https://api.example/v1?***"),
        (f"https://api.example/v1#{CANARY}", "https://api.example/v1#***"),
        (f"ana:{CANARY}@temporal.example:7233", "***@temporal.example:7233"),
        (f"api.example/v1?key={CANARY}", "api.example/v1?***"),
        pytest.param(f"https://ana:x/{CANARY}@api.example/v1", HIDDEN, id="a slash in the password"),
        pytest.param(f"https://ana:1?{CANARY}@api.example/v1", HIDDEN, id="a question mark in the password"),
        pytest.param(f"https://ana:1#{CANARY}@api.example/v1", HIDDEN, id="a hash in the password"),
        pytest.param(f"https://ana:x@{CANARY}@api.example/v1", HIDDEN, id="an at sign in the password"),
        pytest.param(f"https://ana:{CANARY}", HIDDEN, id="no host"),
        pytest.param(f"https://ana:x {CANARY}@api.example", HIDDEN, id="a blank in the password"),
    ],
)
def test_an_address_is_shown_without_user_password_and_query(given, shown):
    assert shown_address(given) == shown
    assert CANARY not in without_credentials(f"Cannot reach {given}.") or "://" not in given or " " in given


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no address", "no address"),
        ("see https://a:b@c.example/d, then go on", "see https://***@c.example/d, then go on"),
        ("('http://a:b@c:8/v1?k=d')", "('http://***@c:8/v1?***')"),
        ("both https://a:b@c/ and postgresql://d:e@f/g.", "both https://***@c/ and postgresql://***@f/g."),
        ("a password with a slash: http://a:b/c@d/e", f"a password with a slash: {HIDDEN}"),
    ],
)
def test_every_url_in_a_text_loses_its_credentials(text, shown):
    assert without_credentials(text) == shown
    assert str(MaintenanceError(text)) == shown


BROKEN = ["{0}", "http://ana:{0}@x/v1", "http://ana:x/{0}@x/v1", "http://x/v1?key={0}", "ana:{0}@x:1", "http://ana:{0}"]
"""Addresses with a secret in them, some of which are wrong."""


@pytest.mark.parametrize("form", BROKEN[1:])
def test_no_error_and_no_breaker_names_a_secret(form):
    given = form.format(CANARY)
    for shown in (str(TemporalUnreachableError(given)), endpoint_name(given, "m"), address(given)):
        assert CANARY not in shown


# --- every setting that may hold a secret -----------------------------------------------------------------------------

KIND = re.compile(r"SecretStr|url|address|dsn|_data\b|prices|quality|layers|key|password", re.IGNORECASE)
CANDIDATES = [
    name
    for name, field in Settings.model_fields.items()
    if (KIND.search(name) or "Secret" in str(field.annotation) or "dict" in str(field.annotation))
    and "path" not in name
]
MAPPINGS = [
    "{0}",
    "{0}=1",
    "{0}=1/2",
    "{0}=x",
    "{0}=0.5/0.5,{0}=1/2",
    "m={0}",
    "semantic={0}",
    "copied={0}",
    "x=1/2,{0}",
]


def test_the_kinds_of_settings_that_may_hold_a_secret_are_found():
    assert {
        "openai_base_url", "ollama_api_url", "openai_api_key", "database_url", "postgres_password", "temporal_address",
        "temporal_api_key", "temporal_ui_url", "temporal_tls_client_key_data", "model_prices", "model_quality",
        "memory_decay_layers",
    } <= set(CANDIDATES)  # fmt: skip


def values_of(name: str) -> list[str]:
    """Return values of a setting that have the canary where a secret belongs, or got by mistake."""
    field = Settings.model_fields[name]
    if "dict" in str(field.annotation):
        return MAPPINGS
    if "Secret" in str(field.annotation) and "URL" not in name.upper():
        return BROKEN
    if name.endswith("_data"):
        return [f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"]
    return BROKEN[1:]


CASES = [(name.upper(), value.format(CANARY)) for name in CANDIDATES for value in values_of(name)]


@pytest.mark.parametrize(
    "words", [("settings",), ("settings", "--json"), ("doctor",), ("model",), ("status",)], ids=" ".join
)
async def test_no_command_shows_the_secret_of_a_setting(cli, words):
    tried = CASES if words == ("settings", "--json") else [case for case in CASES if case[0] in SLOW_TO_ASK]
    for name, value in tried:
        shown = await cli(*words, **{name: value, "TEMPORAL_PATIENCE_SECONDS": "0"})
        assert CANARY not in shown.output, (name, value)
        assert not isinstance(shown.exception, Exception) or CANARY not in str(shown.exception), (name, value)


SLOW_TO_ASK = {"OPENAI_BASE_URL", "MODEL_PRICES", "MODEL_QUALITY"}
"""Settings that commands other than ``settings`` speak of; with the others they would look for servers."""


async def test_what_is_no_secret_is_shown(cli):
    given = {
        "OPENAI_BASE_URL": f"https://ana:{CANARY}@api.example/v1?key={CANARY}",
        "RAE_LLM_MODEL_DEFAULT": "small",
        "MODEL_PRICES": f"small=0.1/0.2,{CANARY}=1/2",
        "MEMORY_DECAY_LAYERS": "semantic=0.5",
    }
    shown = json.loads((await cli("settings", "--json", **given)).stdout)
    assert shown["OPENAI_BASE_URL"] == "https://***@api.example/v1?***"
    assert shown["MODEL_PRICES"] == f"small=0.1/0.2,{HIDDEN}=1/2"
    assert shown["MEMORY_DECAY_LAYERS"] == "semantic=0.5"
