"""Webhooks: who is sent an event at the end of a cycle, and of which types."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, model_validator
from pydantic_settings import NoDecode

from memory_maintenance.settings.kinds import ProxyAddress, SettingsGroup, words

EventType = Literal[
    "cycle.finished", "cycle.failed", "budget.used_up", "fallbacks.high", "nothing.seen", "proposal.waiting"
]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)

MOST_URLS: Final = 4
"""Receivers are asked one after the other."""

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what every secret begins with
FEWEST_KEY_BYTES: Final = 24
MOST_KEY_BYTES: Final = 64
"""Both as Standard Webhooks has them."""


def _parts(value: SecretStr) -> list[str]:
    return [part.strip() for part in value.get_secret_value().split(",") if part.strip()]


def _urls(value: SecretStr) -> SecretStr:
    for number, url in enumerate(_parts(value), start=1):
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError(f"entry {number} is no address that begins with https:// or http:// and names a host")
    if len(set(_parts(value))) != len(_parts(value)) or len(_parts(value)) > MOST_URLS:
        raise ValueError(f"at most {MOST_URLS} different addresses, separated by commas")
    return value


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or not FEWEST_KEY_BYTES <= len(key) <= MOST_KEY_BYTES:
        raise ValueError(
            f"a secret is {SECRET_PREFIX} and the Base64 of {FEWEST_KEY_BYTES} to {MOST_KEY_BYTES} random bytes, as "
            f'echo "{SECRET_PREFIX}$(openssl rand -base64 32)" makes one'
        )
    return key


def _secrets(value: SecretStr) -> SecretStr:
    if not [_key(secret) for secret in _parts(value)]:
        raise ValueError(f"there is no secret: one begins with {SECRET_PREFIX}")
    return value


class WebhookSettings(SettingsGroup):
    """Webhooks: who is sent an event at the end of a cycle, and of which types."""

    webhook_urls: Annotated[SecretStr, AfterValidator(_urls)] | None = None
    """Addresses that are sent an event at the end of a cycle, separated by commas, four at most
    (docs/webhooks.md); unset: no webhooks. Redirects are not followed."""
    webhook_secret: Annotated[SecretStr, AfterValidator(_secrets)] | None = None
    """Key that signs events, as whsec_ and the Base64 of 24 to 64 random bytes. Two, separated by a comma, sign each
    event twice while receivers change to the new one."""
    webhook_events: Annotated[tuple[EventType, ...], NoDecode, BeforeValidator(words)] = EVENT_TYPES
    """Types of events that are sent, separated by commas."""
    webhook_source: str = "/memory-maintenance"
    """The `source` of events, as CloudEvents defines it: it identifies this deployment."""
    webhook_proxy: ProxyAddress | None = None
    """Proxy for webhooks, as http://user:password@host:port. Neither MODEL_PROXY nor HTTP_PROXY, HTTPS_PROXY and
    ALL_PROXY are used."""

    @model_validator(mode="after")
    def _events_are_signed(self) -> Self:
        if self.webhook_urls and not self.webhook_secret:
            raise ValueError("WEBHOOK_URLS needs WEBHOOK_SECRET, which signs what is sent")
        return self

    @property
    def webhook_endpoints(self) -> tuple[str, ...]:
        """Return the addresses that are sent events; none where webhooks are off."""
        return tuple(_parts(self.webhook_urls)) if self.webhook_urls else ()

    @property
    def webhook_keys(self) -> tuple[bytes, ...]:
        """Return the keys that sign an event."""
        return tuple(map(_key, _parts(self.webhook_secret))) if self.webhook_secret else ()
