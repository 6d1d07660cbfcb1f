"""``doctor``: a line for every check, with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final

import typer
from rich.text import Text

from commands.console import FAILED, AsJson, out, print_json, run, say, settings_for_command
from memory_maintenance.errors import MaintenanceError
from memory_maintenance.inspection.health import Check, Level, has_failed, in_order
from memory_maintenance.inspection.model_answers import answers_check, fallback_check
from memory_maintenance.inspection.model_health import breaker_check, model_checks
from memory_maintenance.inspection.settings_health import settings_checks
from memory_maintenance.inspection.store_health import store_checks
from memory_maintenance.printable import in_one_line
from memory_maintenance.settings import Settings, names_set
from memory_maintenance.tenants.daily_times import NO_GROUPS, Groups, groups
from memory_maintenance.tenants.overrides import own_models
from runtime.client import configured_address
from runtime.health_checks import temporal_checks
from runtime.wiring import running_store, running_temporal

COLOURS: Final[dict[Level, str]] = {"ok": "green", "note": "cyan", "warning": "yellow", "failure": "bold red"}


def doctor(
    ask_model: Annotated[
        bool, typer.Option("--ask-model", help="Ask the model one tiny question; it is paid for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, Postgres, Temporal and the model; end with status 1 where something does not work."""
    settings = settings_for_command()
    checks = run(made_checks(settings, ask=ask_model, tell=_keep_quiet if as_json else _tell))
    if as_json:
        print_json({"healthy": not has_failed(checks), "checks": [asdict(check) for check in checks]})
    else:
        _sum_up(checks)
    if has_failed(checks):
        raise typer.Exit(FAILED)


async def made_checks(settings: Settings, *, ask: bool, tell: Callable[[Check], None]) -> list[Check]:
    """Return every verdict, each shown as soon as it is known: a server may be slow to answer."""
    checks = []
    async for check in _checks(settings, ask=ask):
        tell(check)
        checks.append(check)
    return checks


async def _checks(settings: Settings, *, ask: bool) -> AsyncIterator[Check]:
    for check in settings_checks(settings, names_set()):
        yield check
    where: Level = "ok" if settings.database_dsn else "note"
    yield Check(
        "store", "address", where, settings.store_name, None if where == "ok" else "set DATABASE_URL if it is another"
    )
    of_store, tenants_models, found_groups = await _of_the_store(settings)
    for check in of_store:
        yield check
    for check in await _of_temporal(settings, found_groups):
        yield check
    async for check in model_checks(settings, ask=ask, own_models=tenants_models):
        yield check


async def _of_the_store(settings: Settings) -> tuple[list[Check], list[str], Groups]:
    """Return the verdicts on the store, and the models and the daily times that tenants name for themselves."""
    try:
        async with running_store(settings) as pool:
            of_model = {"breaker": breaker_check, "answers": answers_check, "fallback": fallback_check}
            steps = {name: partial(check, pool, settings) for name, check in of_model.items()}
            checks = [*await store_checks(pool, settings), *await in_order("model", steps)]
            if has_failed(checks):
                return checks, [], NO_GROUPS
            return checks, await own_models(pool), await groups(pool, settings)
    except MaintenanceError as error:
        return [Check("store", "reachable", "failure", str(error))], [], NO_GROUPS


async def _of_temporal(settings: Settings, found: Groups) -> list[Check]:
    try:
        async with running_temporal(settings) as address:
            embedded = configured_address(settings) is None
            return await temporal_checks(address, settings, embedded=embedded, groups=found)
    except MaintenanceError as error:
        return [Check("temporal", "reachable", "failure", str(error))]


def _keep_quiet(_: Check) -> None:
    """Tell nothing: the data come all at once."""


def _tell(check: Check) -> None:
    advice = (f" → {in_one_line(check.advice)}", "dim") if check.advice else ""
    said = in_one_line(f" {check.subject}, {check.name}: {check.found}")
    out.print(Text.assemble((f"{check.level:<8}", COLOURS[check.level]), said, advice), soft_wrap=True)


def _sum_up(checks: list[Check]) -> None:
    found = Counter(check.level for check in checks)
    counts = ", ".join(f"{found[level]} {level}" for level in COLOURS if found[level])
    say(f"{len(checks)} checks: {counts}")
