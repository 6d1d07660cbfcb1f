"""``tenants set`` and ``tenants unset``: what differs for one tenant from the deployment's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Final

import structlog
import typer

from commands.console import (
    AsJson,
    By,
    Reason,
    print_json,
    refuse,
    refusing,
    run,
    said,
    say,
    settings_for_command,
    starter,
)
from commands.daily_times import apply_times, ensure_times
from memory_maintenance.errors import InvalidRequestError
from memory_maintenance.settings import SETTING_OF, Settings, TenantOverrides
from memory_maintenance.tenants.control import control_of, settings_in_store
from memory_maintenance.tenants.known import ensure_known
from memory_maintenance.tenants.overrides import checked_overrides, clear_overrides, override
from runtime.wiring import running_store

logger = structlog.get_logger(__name__)

Tenant = Annotated[str, typer.Argument(help="Tenant id, as `tenants list` shows it.")]

NAMES: Final = tuple(TenantOverrides.model_fields)

DEPLOYMENTS: Final = {name: setting.upper() for name, setting in SETTING_OF.items()}
"""What holds where a tenant has nothing of its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting of a tenant before and after; None: the deployment's."""

    name: str
    old: str | None
    new: str | None

    def in_words(self, settings: Settings) -> str:
        """Return both values, the deployment's with its name."""
        return f"{self.name}: {self._said(self.old, settings)} -> {self._said(self.new, settings)}"

    def _said(self, value: str | None, settings: Settings) -> str:
        if value is not None:
            return value
        setting = DEPLOYMENTS[self.name]
        return f"{_plain(getattr(settings, setting.lower()))} ({setting})"


def set_overrides(
    tenant: Tenant,
    assignments: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help=f"Names: {', '.join(NAMES)}.")],
    by: By = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Set what differs for one tenant; the next run uses it."""
    pairs = [assignment.partition("=") for assignment in assignments]
    if without := [name for name, sign, _ in pairs if not sign]:
        refuse(f"{without[0]!r} is not NAME=VALUE; to take one back: starter.py tenants unset {tenant} {without[0]}")
    _change(tenant, {_known(name.strip()): value.strip() for name, _, value in pairs}, by, reason, as_json=as_json)


def unset_overrides(
    tenant: Tenant,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="What to take back.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that differs for this tenant.")] = False,
    by: By = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Take settings of one tenant back: the deployment's hold again."""
    if bool(names) == everything:
        refuse("say what to take back: names, or --all")
    changes = dict.fromkeys(map(_known, names or ()))
    _change(tenant, changes, by, reason, as_json=as_json)


def _known(name: str) -> str:
    if name not in NAMES:
        near = get_close_matches(name, NAMES, n=1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
        refuse(f"no setting of a tenant is called {name!r}: {advice}")
    return name


def _change(
    tenant: str, wanted: Mapping[str, str | None], by: str | None, reason: str | None, *, as_json: bool
) -> None:
    """Make the change and say it; *wanted* empty: take everything back."""
    with refusing():
        checked_overrides(wanted)
    settings = settings_for_command()
    settings, written, changes = run(_write(settings, tenant, wanted, by, reason))
    logger.info("tenant_overrides_changed", tenant_id=tenant, names=[one.name for one in changes], by=by, reason=reason)
    if as_json:
        return print_json([{"name": one.name, "old": one.old, "new": one.new} for one in changes])
    for one in changes:
        say(f"{tenant}: {one.in_words(settings)}{said(by, reason)}")
    for note in _notes(changes, settings):
        say(f"note: {note}")
    return say(_way_back(tenant, changes) if changes else _unread(tenant, written=written))


async def _write(
    settings: Settings, tenant: str, wanted: Mapping[str, str | None], by: str | None, reason: str | None
) -> tuple[Settings, bool, list[Change]]:
    """Return the store's settings, whether the row was changed, and what of it can be read."""
    async with running_store(settings) as pool:
        await ensure_known(pool, tenant)
        await ensure_times(settings, pool, tenant, wanted)
        before = await _texts(pool, tenant)
        if wanted:
            written = await override(pool, tenant, dict(wanted), by=by, reason=reason)
        else:
            written = await clear_overrides(pool, tenant, by=by, reason=reason)
        after = await _texts(pool, tenant)
        changes = [Change(name, before.get(name), after.get(name)) for name in wanted or before]
        changes = [one for one in changes if one.old != one.new]
        await apply_times(settings, pool, [one.name for one in changes] if changes or not written else NAMES)
        return await settings_in_store(pool, settings), written, changes


async def _texts(pool: Any, tenant: str) -> dict[str, str]:
    """Return what differs for a tenant, as one would type it; nothing where it cannot be read."""
    try:
        overrides = (await control_of(pool, tenant)).overrides
    except InvalidRequestError:
        return {}
    return {name: _plain(value) for name, value in overrides.model_dump(exclude_none=True).items()}


def _plain(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value)) or ","
    if isinstance(value, dict):
        return ",".join(f"{name}={number}" for name, number in value.items()) or ","
    return str(value).lower() if isinstance(value, bool) else str(value)


def _notes(changes: Sequence[Change], settings: Settings) -> list[str]:
    found = [
        f"{one.new} is outside MEMORY_MIN_DECAY_RATE and MEMORY_MAX_DECAY_RATE: "
        f"{settings.bounded_decay_rate(float(one.new)):g} is used"
        for one in changes
        if one.name == "decay_rate" and one.new and settings.bounded_decay_rate(float(one.new)) != float(one.new)
    ]
    if any(one.name in ("decay_rate", "decay_policy", "decay_retained", "protected_tags") for one in changes):
        found.append(
            "the time since each memory's base is priced again by the next run: see starter.py simulate --tenant"
        )
    return found


def _unread(tenant: str, *, written: bool) -> str:
    if not written:
        return f"{tenant}: nothing differs from before, nothing was changed"
    return f"{tenant}: changed; the previous value cannot be read, so there is no undo"


def _way_back(tenant: str, changes: Sequence[Change]) -> str:
    old = [f"{one.name}={one.old}" for one in changes if one.old is not None]
    new = [one.name for one in changes if one.old is None and one.new is not None]
    ways = [starter("tenants", "set", tenant, *old)] if old else []
    ways += [starter("tenants", "unset", tenant, *new)] if new else []
    return f"undo: {' and '.join(ways)}"
