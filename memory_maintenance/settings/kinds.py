"""The kinds of values that settings have, and how they are read from a variable.

Complaints name an entry by its number: its text may be a key in the wrong place.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Rate = Annotated[float, Ge(0), Lt(1)]
Share = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
Seconds = Annotated[float, Gt(0)]

MOST_KEPT: Final = 10**9
"""More memories than a project can have."""

LAYER_SPELLINGS: Final = {
    "episodic": ("episodic", "em"),
    "working": ("working", "stm", "wm"),
    "semantic": ("semantic", "ltm", "sm"),
    "reflective": ("reflective", "rm"),
}
"""A layer's name, and every way it is stored: names since 2026-01, codes before."""

_LAYER_NAMES: Final = {spelling: name for name, spellings in LAYER_SPELLINGS.items() for spelling in spellings}


def words(value: object) -> object:
    """Read ``a,b`` as two words; a comma alone is no word at all."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def lower(value: object) -> object:
    """Read ``WARNING``, as RAE spells it."""
    return value.lower() if isinstance(value, str) else value


def _layer_speeds(value: object) -> object:
    """Read ``semantic=0.5,em=1`` as speeds by the layer's name."""
    if not isinstance(value, str):
        return value
    speeds: dict[str, str] = {}
    for number, part in enumerate(filter(str.strip, value.split(",")), start=1):
        spelling, _, speed = (side.strip() for side in part.partition("="))
        name = _LAYER_NAMES.get(spelling.lower())
        if name is None or not speed:
            raise ValueError(f"entry {number} is not LAYER=SPEED with a layer of {', '.join(_LAYER_NAMES)}")
        if name in speeds:
            raise ValueError(f"the layer {name} is named twice")
        speeds[name] = speed
    return speeds


def _prices(value: object) -> object:
    """Read ``gpt-4o-mini=0.15/0.60,local=0/0`` as the prices of input and output by the model's name."""
    if not isinstance(value, str):
        return value
    prices: dict[str, tuple[Decimal, Decimal]] = {}
    for number, part in enumerate(filter(str.strip, value.split(",")), start=1):
        model, _, price = part.strip().rpartition("=")
        if not model:
            raise ValueError(f"entry {number} is not MODEL=INPUT/OUTPUT")
        if model in prices:
            raise ValueError(f"entry {number} names a model that an earlier entry names")
        prices[model] = _price_pair(number, price)
    return prices


def _price_pair(number: int, text: str) -> tuple[Decimal, Decimal]:
    try:
        both = [Decimal(price.strip()) for price in text.split("/")]
    except InvalidOperation:
        both = []
    if len(both) != 2 or not all(price.is_finite() and price >= 0 for price in both):  # noqa: PLR2004
        raise ValueError(f"the price in entry {number} is not INPUT/OUTPUT, as 0.15/0.60 for a million tokens")
    return both[0], both[1]


def _named_numbers(value: object) -> object:
    """Read ``unsupported_words=0.3,copied=0.9`` as numbers by name."""
    if not isinstance(value, str):
        return value
    parts = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): number.strip() for name, _, number in parts}


def _proxy(value: SecretStr) -> SecretStr:
    scheme, _, host = value.get_secret_value().partition("://")
    if scheme not in ("http", "https") or not host:
        raise ValueError("a proxy is http://host:port or https://host:port, with user:password@ where it needs them")
    return value


ProxyAddress = Annotated[SecretStr, AfterValidator(_proxy)]


def _web_address(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme.lower() not in ("http", "https") or "://" not in value:
        raise ValueError("the address begins with http:// or https://, as http://localhost:8000/v1")
    if not rest.strip("/"):
        raise ValueError("the address names no host: http://host:port/path")
    return value


def _host_and_port(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    if separator:
        raise ValueError(f"the address is host:port, without {scheme}://; TEMPORAL_TLS says whether it is encrypted")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


def _lower_words(value: object) -> object:
    """Read ``Confidential, restricted`` as two words in lower case, as classes are compared."""
    read = words(value)
    return tuple(map(lower, read)) if isinstance(read, list | tuple) else read


def _shaped(pattern: str, says: str) -> AfterValidator:
    """Return a validator whose error says what to write: that of a pattern would show the pattern."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(says)
        return value

    return AfterValidator(check)


ModelName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    _shaped(r"[^\x00-\x1f\x7f]+", "a model's name has no control characters"),
]
Tags = Annotated[tuple[str, ...], NoDecode, BeforeValidator(words)]
Classes = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_lower_words)]
ModelPrices = Annotated[
    dict[str, tuple[Annotated[Decimal, Ge(0)], Annotated[Decimal, Ge(0)]]], NoDecode, BeforeValidator(_prices)
]
Thresholds = Annotated[dict[str, float], NoDecode, BeforeValidator(_named_numbers)]
Days = Annotated[int, Ge(0), Le(100_000)]
CronTimes = Annotated[
    str,
    BeforeValidator(lambda value: " ".join(value.split()) if isinstance(value, str) else value),
    StringConstraints(max_length=200),
    _shaped(
        r"@[a-z]+|@every [0-9hms.]+|([0-9A-Za-z*,/?-]+ ){4,6}[0-9A-Za-z*,/?-]+",
        "not a cron expression: give five fields, such as 0 3 * * *, or a word such as @daily",
    ),
]
"""A cron expression with five to seven fields, or a word like @daily; Temporal says whether it means anything."""
ZoneName = Annotated[
    str,
    StringConstraints(max_length=100),
    _shaped(r"[A-Za-z][A-Za-z0-9_+/-]*", "not a time zone: give a name such as UTC or Europe/Warsaw"),
]
GateMinutes = Annotated[int, Ge(0), Le(1440)]
TagDays = Annotated[dict[str, Days], NoDecode, BeforeValidator(_named_numbers)]
LayerDays = Annotated[dict[str, Days], NoDecode, BeforeValidator(_layer_speeds)]
LayerSpeeds = Annotated[dict[str, Annotated[float, Ge(0), Le(100)]], NoDecode, BeforeValidator(_layer_speeds)]


def fault_words(message: str) -> str:
    """Return what pydantic says is wrong, in the words of a validator here if it has some."""
    return message.removeprefix("Value error, ")


class SettingsGroup(BaseSettings):
    """Settings about one thing; ``Settings`` is all of them."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object, info: object) -> object:
        """Read ``NAME=`` as unset where None is allowed: compose files pass empty values."""
        field = cls.model_fields[info.field_name]  # type: ignore[attr-defined]
        return field.get_default(call_default_factory=True) if value == "" else value
