"""What one line of an import may say: a memory as a JSON object."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo

from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.store.identity import derived_id

LEFT_OUT: Final = frozenset(
    {"embedding", "content_hash", "base_importance", "base_importance_at", "decayed_importance", "demotion"}
)
"""Columns that other programs compute: a vector belongs to one model, a hash to RAE, the bases to decay."""

_DURATION: Final = TypeAdapter(timedelta)


def _instant(said: object, info: ValidationInfo[datetime]) -> datetime:
    match said:
        case str():
            return _point_in_time(said, info.context)
        case _:  # pydantic would read a number as seconds, or milliseconds, since 1970
            raise ValueError


def _point_in_time(said: str, now: datetime) -> datetime:
    try:
        if said.lstrip("+-").startswith("P"):
            return now + _DURATION.validate_python(said)
        at = datetime.fromisoformat(said)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError from None


Instant = Annotated[
    datetime | None,
    BeforeValidator(_instant),
    Field(description="an ISO 8601 time (2026-11-24T02:00Z; UTC where it names no zone) or duration (-P3DT4H)"),
]
"""A point in time, or a duration counted from the import's now; its months have 30 days, its years 365."""

Text = Annotated[str | None, Field(description="a text")]
Count = Annotated[int | None, Field(ge=0, le=2**31 - 1, description="a whole number from 0 to 2147483647")]
JsonObject = Annotated[dict[str, Any] | None, Field(description="an object")]


class MemoryLine(BaseModel):
    """One memory in the shape of RAE's table; null is as good as missing.

    The descriptions complete the sentence "... must be": an error says them in place
    of pydantic's own words, which can quote what was given.
    Fields that are not named here are kept, for the metadata.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Annotated[UUID, Field(description="a UUID")]
    tenant_id: Annotated[str, Field(min_length=1, description="a text that is not empty")]
    content: Annotated[str, Field(pattern=r"\S", description="a text that is not blank")]
    importance: Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")] = 0.5
    layer: Text = None
    tags: Annotated[list[str] | None, Field(description="a list of texts")] = None
    source: Text = None
    project: Text = None
    session_id: Text = None
    agent_id: Text = None
    timestamp: Instant = None
    created_at: Instant = None
    last_accessed_at: Instant = None
    expires_at: Instant = None
    usage_count: Count = None
    memory_type: Text = None
    strength: Annotated[float | None, Field(allow_inf_nan=False, description="a number")] = None
    info_class: Text = None
    governance: JsonObject = None
    human_label: Text = None
    metadata: JsonObject = None


def read_line(line: str | bytes, now: datetime) -> MemoryLine:
    """Return the memory that *line* says; durations count from *now*.

    A line without an id gets one made from all it says, so the same line has the same id
    on every day. NUL characters and lone surrogates, which Postgres cannot hold, become
    U+FFFD, Unicode's replacement character.

    Raises:
        InvalidRequestError: it says no memory; the message names the fields and quotes nothing.
        RecursionError: it is nested too deeply.
    """
    said = {name: value for name, value in _json_object(line).items() if value is not None and name not in LEFT_OUT}
    if "id" not in said:
        said["id"] = derived_id("imported", json.dumps(said, sort_keys=True))
    try:
        return MemoryLine.model_validate(said, context=now)
    except ValidationError as error:
        raise InvalidRequestError(_faults(error)) from None


def _faults(error: ValidationError) -> str:
    faults: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(fault["loc"][0])
        wanted = MemoryLine.model_fields[name].description
        faults[name] = f"{name} is missing" if fault["type"] == "missing" else f"{name} must be {wanted}"
    return "; ".join(faults.values())


def _json_object(line: str | bytes) -> Mapping[str, Any]:
    try:
        text = line.decode() if isinstance(line, bytes) else line
        value = _DECODER.decode(text.removeprefix("\ufeff"))
        value = _storable(value) if _UNSTORABLE_SOMEWHERE.search(text) else value
    except UnicodeDecodeError:
        raise InvalidRequestError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise InvalidRequestError(f"not JSON from column {error.colno} on") from None
    except ValueError:
        raise InvalidRequestError("a number that JSON does not have, or too long a one") from None
    if not isinstance(value, dict):
        raise InvalidRequestError("not a JSON object")
    return value


def _no_number(name: str) -> float:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_SOMEWHERE: Final = re.compile("\\\\u(?:0000|d[89a-f])|[\ud800-\udfff]", re.IGNORECASE)
"""Finds every line with such a character, and some without: pairs of surrogates are fine."""


def _storable(value: Any) -> Any:
    match value:
        case str():
            return _UNSTORABLE.sub("\ufffd", value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(name): _storable(item) for name, item in value.items()}
        case _:
            return value
