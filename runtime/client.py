"""The connection to Temporal: which server, with which credentials, and in one line what is wrong with it."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Final

import structlog
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import (
    MaintenanceError,
    SettingsError,
    TemporalGarbledError,
    TemporalRefusedError,
    TemporalUnreachableError,
)
from memory_maintenance.redaction import shown_address
from memory_maintenance.settings import Settings
from runtime.payloads import data_converter
from runtime.tracing import tracing_interceptors

logger = structlog.get_logger(__name__)

LONGEST_WAIT_SECONDS: Final = 15
ANSWER_TIMEOUT: Final = timedelta(seconds=5)

CONNECTION_SETTINGS: Final = (
    "temporal_address",
    "temporal_namespace",
    "temporal_profile",
    "temporal_config_file",
    "temporal_api_key",
    "temporal_tls",
    "temporal_tls_server_name",
    "temporal_tls_server_ca_cert_path",
    "temporal_tls_server_ca_cert_data",
    "temporal_tls_client_cert_path",
    "temporal_tls_client_cert_data",
    "temporal_tls_client_key_path",
    "temporal_tls_client_key_data",
)
"""What Temporal's own environment configuration knows, under the names it knows it by."""

_NO_RIGHTS: Final = "does not let us in: check TEMPORAL_API_KEY or the client certificate, and TEMPORAL_NAMESPACE"
_UNKNOWN: Final = "does not know us: set TEMPORAL_API_KEY or a client certificate that is valid"
_REFUSALS: Final = {
    "PermissionDenied": _NO_RIGHTS,
    "Unauthenticated": _UNKNOWN,
    "InvalidContentType": "does not speak TLS: set TEMPORAL_TLS=false",
    "NotValidForName": "has a certificate for another name: set TEMPORAL_TLS_SERVER_NAME",
    "InvalidCertificate": "has a certificate that is not trusted: set TEMPORAL_TLS_SERVER_CA_CERT_PATH",
}
"""Words of the SDK's connection errors, which have no types, and what they mean; the first that is found counts."""

_ENDED: Final = ("transport error", "h2 protocol error", "AlertReceived", "connection closed")
"""The other side took the connection and then ended it, which is all that a client sees of many mistakes."""
_ENDED_IN_CLEAR: Final = "answers, but not as Temporal without TLS does: set TEMPORAL_TLS=true, or correct the port"
_ENDED_ENCRYPTED: Final = (
    "ends the encrypted connection: if it asks for a client certificate, set TEMPORAL_TLS_CLIENT_CERT_PATH and "
    "TEMPORAL_TLS_CLIENT_KEY_PATH; else correct the port"
)


def configured_address(settings: Settings) -> str | None:
    """Return host:port of the server that the settings or their profile name; None: the embedded one.

    Raises:
        SettingsError: the profile, its file or a certificate cannot be read.
    """
    return _profile(settings).address


async def connect(
    address: str, settings: Settings, *, runtime: Runtime | None = None, patience_seconds: float = 10
) -> Client:
    """Connect to the Temporal frontend at *address*, once.

    The key and the certificates go to the configured server only: the embedded one has none.

    Raises:
        TemporalUnreachableError: no answer within *patience_seconds*.
        TemporalRefusedError: no such namespace, credentials that do not count, TLS on one side only.
        SettingsError: the profile, its file, a certificate or the payload codec cannot be read.
    """
    chosen, converter = _connection(address, settings), data_converter(settings)
    interceptors = tracing_interceptors(settings)
    try:
        async with asyncio.timeout(patience_seconds):
            client = await Client.connect(
                **chosen, data_converter=converter, interceptors=interceptors, runtime=runtime
            )
            await check_namespace(client)
    except RPCError as error:
        raise _refused(address, chosen["namespace"], error) from None
    except (RuntimeError, ValueError) as error:
        raise _not_connected(address, str(error), encrypted=bool(chosen.get("tls"))) from None
    except (TimeoutError, OSError):
        raise TemporalUnreachableError(address) from None
    return client


async def connect_patiently(address: str, settings: Settings, *, runtime: Runtime | None = None) -> Client:
    """Connect, trying again for ``TEMPORAL_PATIENCE_SECONDS`` while that may help; otherwise as ``connect``."""
    loop = asyncio.get_running_loop()
    deadline, attempt = loop.time() + settings.temporal_patience_seconds, 0
    while True:
        try:
            return await connect(address, settings, runtime=runtime)
        except MaintenanceError as error:
            wait = min(LONGEST_WAIT_SECONDS, 0.5 * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311  spreads a fleet
            if not error.retryable or loop.time() + wait > deadline:
                raise
        attempt += 1
        logger.warning(
            "temporal_unreachable", address=shown_address(address), attempt=attempt, retry_in_seconds=round(wait, 1)
        )
        await asyncio.sleep(wait)


async def check_namespace(client: Client) -> None:
    """Ask the server for our namespace: the one question that any right to use it allows.

    Raises:
        RPCError: it does not exist, we may not use it, or the server does not answer.
    """
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace), retry=False, timeout=ANSWER_TIMEOUT
    )


def _not_connected(address: str, error: str, *, encrypted: bool) -> MaintenanceError:
    for word, why in _REFUSALS.items():
        if word in error:
            return TemporalRefusedError(address, why)
    if any(word in error for word in _ENDED):
        return TemporalGarbledError(address, _ENDED_ENCRYPTED if encrypted else _ENDED_IN_CLEAR)
    return TemporalUnreachableError(address)


def _refused(address: str, namespace: str, error: RPCError) -> MaintenanceError:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            create = f"temporal operator namespace create --namespace {namespace}"
            return TemporalRefusedError(
                address, f"has no namespace {namespace!r}: correct TEMPORAL_NAMESPACE, or `{create}`"
            )
        case RPCStatusCode.PERMISSION_DENIED:
            return TemporalRefusedError(address, _NO_RIGHTS)
        case RPCStatusCode.UNAUTHENTICATED:
            return TemporalRefusedError(address, _UNKNOWN)
        case _:
            return TemporalUnreachableError(address)


def _connection(address: str, settings: Settings) -> ClientConnectConfig:
    profile = _profile(settings)
    if profile.address is None:
        return {"target_host": address, "namespace": "default"}
    try:
        return {"namespace": "default", **profile.to_client_connect_config(), "target_host": address}
    except OSError as error:
        raise SettingsError(f"a certificate or key for Temporal cannot be read: {error.strerror}") from None


def _profile(settings: Settings) -> ClientConfigProfile:
    """Return what Temporal's own environment configuration makes of our settings.

    Its file is read only where a setting asks for it: a `default` profile that somebody made
    for the `temporal` command must not send a worker to another server than it was started for.
    """
    file = settings.temporal_config_file
    if file and not file.expanduser().is_file():
        raise SettingsError(f"TEMPORAL_CONFIG_FILE: there is no file {file}")
    try:
        return ClientConfigProfile.load(
            config_source=file.expanduser() if file else None,
            disable_file=not (file or settings.temporal_profile),
            override_env_vars=_as_environment(settings),
        )
    except Exception as error:  # noqa: BLE001  the SDK's type for it is not public
        raise SettingsError(f"Temporal's configuration: {str(error).splitlines()[0]}") from None


def _as_environment(settings: Settings) -> dict[str, str]:
    values = {name: getattr(settings, name) for name in CONNECTION_SETTINGS}
    texts = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in values.items()
        if value is not None
    }
    return texts | ({"TEMPORAL_TLS": texts["TEMPORAL_TLS"].lower()} if "TEMPORAL_TLS" in texts else {})
