"""Where the servers are: what is unset is started on this machine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote

from annotated_types import Ge, Le, MinLen
from pydantic import BeforeValidator, SecretStr, model_validator

from memory_maintenance.errors import SettingsError
from memory_maintenance.redaction import place_of
from memory_maintenance.settings.kinds import (
    HostAndPort,
    Seconds,
    SettingsGroup,
    lower,
)


class ServerSettings(SettingsGroup):
    """Where the servers are: what is unset is started on this machine."""

    database_url: SecretStr | None = None
    """Postgres, as postgresql://user:password@host:port/database; unset: POSTGRES_HOST, else the embedded one."""
    postgres_host: str | None = None
    """RAE's way to name the database, used where DATABASE_URL is unset."""
    postgres_port: Annotated[int, Ge(1), Le(65535)] = 5432
    """Port of POSTGRES_HOST."""
    postgres_db: str = "rae"
    """Database on POSTGRES_HOST."""
    postgres_user: str = "rae"
    """User on POSTGRES_HOST."""
    postgres_password: SecretStr = SecretStr("")
    """Password on POSTGRES_HOST."""
    memory_maintenance_home: Path = Path("~/.local/share/memory-maintenance")
    """Folder of the embedded servers' data."""
    memory_maintenance_embedded: Annotated[Literal["auto", "never"], BeforeValidator(lower)] = "auto"
    """auto: a server that no setting names is started on this machine; never: that is an error, as in the image."""
    database_pool_size: Annotated[int, Ge(2), Le(200)] = 10
    """Connections of one process; the slots for SQL activities are no more than this."""
    database_timeout_seconds: Seconds = 60
    """Longest run of one statement."""
    temporal_address: HostAndPort | None = None
    """host:port of the Temporal frontend; unset: the profile's, else the embedded dev server."""
    temporal_namespace: str | None = None
    """Temporal namespace; unset: the profile's, else `default`."""
    temporal_profile: str | None = None
    """Profile of Temporal's configuration file that says what is unset here; unset, no file is read."""
    temporal_config_file: Path | None = None
    """That file; unset: where the `temporal` command keeps it. Set alone: its profile `default`."""
    temporal_api_key: SecretStr | None = None
    """Key of Temporal Cloud; TLS is on with it unless TEMPORAL_TLS says otherwise."""
    temporal_tls: bool | None = None
    """Whether the connection is encrypted; unset: where a key or one of the next settings is given."""
    temporal_tls_server_name: str | None = None
    """Name in the server's certificate, where it is not the one in the address."""
    temporal_tls_server_ca_cert_path: Path | None = None
    """Certificate of the authority that signed the server's; unset: those the system trusts."""
    temporal_tls_server_ca_cert_data: str | None = None
    """The same as PEM text."""
    temporal_tls_client_cert_path: Path | None = None
    """Our certificate, where the server asks for one (mTLS)."""
    temporal_tls_client_cert_data: str | None = None
    """The same as PEM text."""
    temporal_tls_client_key_path: Path | None = None
    """Key of our certificate."""
    temporal_tls_client_key_data: SecretStr | None = None
    """The same as PEM text."""
    temporal_patience_seconds: Annotated[float, Ge(0)] = 60
    """How long a starting worker waits for Temporal to answer; commands wait no longer than ten seconds."""
    temporal_worker_deployment_name: str | None = None
    """Name of the worker deployment, for worker versioning; set with TEMPORAL_WORKER_BUILD_ID or not at all."""
    temporal_worker_build_id: str | None = None
    """Build of this worker: a run that started on it ends on it."""
    temporal_payload_codec: str | None = None
    """`module:attribute` of a Temporal PayloadCodec, or of what makes one when called without arguments: every client
    and worker sends its payloads through it, encrypted for instance. Unset: payloads are plain JSON."""
    temporal_cloud_price_actions: Annotated[Decimal, Ge(0)] = Decimal(50)
    """Price of a million Actions on Temporal Cloud, for `starter.py cost`: that of the first five million, in USD."""
    temporal_cloud_price_active_storage: Annotated[Decimal, Ge(0)] = Decimal("0.042")
    """Price of a gigabyte-hour of active storage there."""
    temporal_cloud_price_retained_storage: Annotated[Decimal, Ge(0)] = Decimal("0.00105")
    """Price of a gigabyte-hour of retained storage there."""
    temporal_cloud_retention_days: Annotated[int, Ge(1), Le(90)] = 30
    """How long the namespace keeps the histories of closed workflows."""
    temporal_ui_url: str | None = None
    """Address of the Temporal Web UI, shown to people; unset: the embedded one's."""
    memory_maintenance_web_token: Annotated[SecretStr, MinLen(16)] | None = None
    """Token that `starter.py web` asks for, 16 characters at least; unset: it listens on loopback addresses only."""

    @model_validator(mode="after")
    def _a_deployment_has_a_build(self) -> Self:
        if (self.temporal_worker_deployment_name is None) != (self.temporal_worker_build_id is None):
            raise ValueError(
                "TEMPORAL_WORKER_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID go together: set both or none"
            )
        return self

    @property
    def database_dsn(self) -> SecretStr | None:
        """Return where Postgres is, or None when nothing names one."""
        if self.database_url:
            return SecretStr(self.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://"))
        if not self.postgres_host:
            return None
        password = quote(self.postgres_password.get_secret_value(), safe="")
        login = f"{quote(self.postgres_user, safe='')}:{password}"
        return SecretStr(f"postgresql://{login}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}")

    @property
    def store_name(self) -> str:
        """Return host, port and database of the store without credentials, or that it is embedded and where."""
        if (dsn := self.database_dsn) is None:
            return f"embedded, in {self.memory_maintenance_home.expanduser()}"
        return place_of(dsn.get_secret_value().partition("?")[0])

    def ensure_may_embed(self, server: str, setting: str) -> None:
        """Raise SettingsError where *server* is not named by *setting* and must not be started here."""
        if self.memory_maintenance_embedded == "never":
            raise SettingsError(
                f"{setting} is not set, and MEMORY_MAINTENANCE_EMBEDDED=never: name the {server} to use"
            )
