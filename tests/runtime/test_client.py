"""Which Temporal server a process connects to, with what, and what it says when that does not work."""

import asyncio
import shutil
from pathlib import Path

import pytest

from chaos.ports import free_port
from embedded.temporal import running_temporal
from memory_maintenance.errors import SettingsError, TemporalRefusedError, TemporalUnreachableError
from runtime.client import (
    check_namespace,
    configured_address,
    connect,
    connect_patiently,
)
from tests.runtime.refusing import refusing_endpoint
from tests.runtime.tls import Certificates, tls_endpoint
from tests.settings import settings

UNREACHABLE = "127.0.0.1:1"

PROFILES = """
[profile.default]
address = "from-the-file:7233"
[profile.cloud]
address = "cloud.example:7233"
namespace = "night"
api_key = "key-of-the-cloud"
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    return Certificates.made(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "temporal.toml"
    path.write_text(PROFILES)
    return path


@pytest.fixture
def address(temporal) -> str:
    return str(temporal.service_client.config.target_host).replace("localhost", "127.0.0.1")


# --- which server --------------------------------------------------------------------------------


def test_without_a_setting_no_file_is_read_and_the_embedded_server_is_meant(file, monkeypatch):
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))  # of the environment, not of our settings
    assert configured_address(settings(temporal_config_file=None)) is None


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({}, "from-the-file:7233", id="its default profile"),
        pytest.param({"temporal_profile": "cloud"}, "cloud.example:7233", id="a profile by name"),
        pytest.param({"temporal_profile": "cloud", "temporal_address": "a:1"}, "a:1", id="a setting counts more"),
    ],
)
def test_a_profile_says_what_is_unset(file, chosen, expected):
    assert configured_address(settings(temporal_config_file=file, **chosen)) == expected


def test_the_demo_is_never_sent_to_a_server_that_is_named(file):
    named = settings(temporal_config_file=file, temporal_profile="cloud", temporal_address="a:1")
    assert configured_address(named.on_embedded_servers()) is None


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        pytest.param({"temporal_profile": "nobody"}, "'nobody' not found", id="no such profile"),
        pytest.param(
            {"temporal_config_file": "/nowhere/t.toml"}, "there is no file /nowhere/t.toml", id="no such file"
        ),
        pytest.param(
            {"temporal_tls_client_key_path": "k", "temporal_tls_client_key_data": "d"}, "both", id="a key given twice"
        ),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(file, chosen, says):
    with pytest.raises(SettingsError, match=says):
        configured_address(settings(**{"temporal_config_file": file, **chosen}))


def test_a_broken_file_is_named_without_its_content(file):
    file.write_text('[profile.default]\napi_key = "secret')
    with pytest.raises(SettingsError) as raised:
        configured_address(settings(temporal_config_file=file))
    assert "TOML" in str(raised.value)
    assert "secret" not in str(raised.value)


# --- with what -----------------------------------------------------------------------------------


async def test_a_key_and_a_namespace_of_a_profile_are_used(file, address):
    chosen = settings(temporal_config_file=file, temporal_profile="cloud", temporal_address=address, temporal_tls=False)
    with pytest.raises(TemporalRefusedError, match="no namespace 'night'"):
        await connect(address, chosen)
    client = await connect(address, chosen.model_copy(update={"temporal_namespace": "default"}))
    assert client.service_client.config.api_key == "key-of-the-cloud"


async def test_the_embedded_server_is_not_sent_the_key(address):
    client = await connect(address, settings(temporal_api_key="key", temporal_namespace="night"))
    assert (client.service_client.config.api_key, client.namespace) == (None, "default")


@pytest.mark.parametrize("mutual", [False, True], ids=["TLS", "mTLS"])
async def test_an_encrypted_server_is_reached_with_its_authority(address, certificates, mutual):
    ours = {
        "temporal_tls_client_cert_path": certificates["client.pem"],
        "temporal_tls_client_key_path": certificates["client.key"],
    }
    async with tls_endpoint(address, certificates, mutual=mutual) as encrypted:
        chosen = settings(
            temporal_address=encrypted,
            temporal_tls_server_ca_cert_path=certificates["authority.pem"],
            temporal_tls_server_name="temporal.test",
            **(ours if mutual else {}),
        )
        await check_namespace(await connect(encrypted, chosen))


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        pytest.param({}, "set TEMPORAL_TLS=true", id="we do not encrypt"),
        pytest.param({"temporal_tls": True}, "not trusted", id="signed by nobody we know"),
        pytest.param({"temporal_tls_server_ca_cert_path": "stranger.pem"}, "not trusted", id="signed by another"),
        pytest.param(
            {"temporal_tls_server_ca_cert_path": "authority.pem", "temporal_tls_server_name": "other.test"},
            "TEMPORAL_TLS_SERVER_NAME",
            id="for another name",
        ),
        pytest.param(
            {"temporal_tls_server_ca_cert_path": "authority.pem"}, "TEMPORAL_TLS_CLIENT_CERT_PATH", id="no certificate"
        ),
        pytest.param(
            {"temporal_tls_server_ca_cert_path": "nowhere.pem"}, "No such file", id="a file that is not there"
        ),
    ],
)
async def test_what_is_wrong_with_tls_is_one_line(address, certificates, chosen, says):
    files = {name: certificates[value] if str(value).endswith(".pem") else value for name, value in chosen.items()}
    async with tls_endpoint(address, certificates, mutual=True) as encrypted:
        with pytest.raises((TemporalRefusedError, SettingsError), match=says):
            await connect(encrypted, settings(temporal_address=encrypted, **files))


async def test_a_server_without_tls_is_named(address):
    with pytest.raises(TemporalRefusedError, match="does not speak TLS: set TEMPORAL_TLS=false"):
        await connect(address, settings(temporal_address=address, temporal_api_key="key"))


@pytest.mark.parametrize(("status", "says"), [(7, "does not let us in"), (16, "does not know us")])
async def test_credentials_that_do_not_count_are_one_line(status, says):
    async with refusing_endpoint(status) as gateway:
        with pytest.raises(TemporalRefusedError, match=says):
            await connect(gateway, settings(temporal_address=gateway))


async def test_a_namespace_that_does_not_exist_is_named_with_the_command_that_makes_it(address):
    with pytest.raises(TemporalRefusedError, match="temporal operator namespace create --namespace night"):
        await connect(address, settings(temporal_address=address, temporal_namespace="night"))


@pytest.mark.parametrize(
    ("nowhere", "named"),
    [
        (UNREACHABLE, UNREACHABLE),
        ("no-such-host.invalid:7233", "no-such-host.invalid:7233"),
        ("no address", "TEMPORAL_ADDRESS"),
    ],
)
async def test_an_address_that_does_not_answer_is_named(nowhere, named):
    with pytest.raises(TemporalUnreachableError, match=named):
        await connect(nowhere, settings(temporal_address=nowhere))


# --- patience ------------------------------------------------------------------------------------


async def test_a_patient_connection_is_there_once_the_server_is(tmp_path):
    port = free_port()
    waiting = asyncio.create_task(connect_patiently(f"127.0.0.1:{port}", settings(temporal_patience_seconds=60)))
    await asyncio.wait({waiting}, timeout=0.1)
    assert not waiting.done()
    async with running_temporal(None, log=tmp_path / "log", port=port) as server:
        assert server.address == f"127.0.0.1:{port}"
        await check_namespace(await waiting)


async def test_patience_ends():
    with pytest.raises(TemporalUnreachableError):
        async with asyncio.timeout(60):
            await connect_patiently(UNREACHABLE, settings(temporal_patience_seconds=1))


async def test_a_refusal_is_not_waited_for():
    async with refusing_endpoint(7) as gateway:
        with pytest.raises(TemporalRefusedError):
            await asyncio.wait_for(connect_patiently(gateway, settings(temporal_patience_seconds=3600)), 60)
