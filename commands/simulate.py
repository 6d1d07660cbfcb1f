"""``simulate``: what another rule of decay would make of the store, before it is switched."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from commands.console import (
    UNTOUCHED,
    AsJson,
    err,
    fail,
    out,
    print_json,
    progress_of,
    refuse,
    refusing,
    run,
    say,
    settings_for_command,
)
from commands.tables import table
from memory_maintenance.decay.costs import MEASURED, costs_in_words
from memory_maintenance.decay.policy import RETAINED
from memory_maintenance.inspection.distribution import BINS, LEVELS, Distribution
from memory_maintenance.inspection.ordering import OrderChange
from memory_maintenance.inspection.scenario import Scenario, Simulation
from memory_maintenance.inspection.simulation import MOST_COMPARED, simulate
from memory_maintenance.settings import Settings
from memory_maintenance.tenants.known import ensure_known, memories_of
from runtime.wiring import running_store
from web.simulation_plot import FORMATS, save_plot

_BAR = "▏▎▍▌▋▊▉█"
_BAR_CELLS = 16
_COLUMNS = ("today#", "tonight#", "day {days}#", "present rule, day {days}#")


def simulate_decay(
    policy: Annotated[
        Literal["staged", "bounded"] | None, typer.Option(help="Rule to try; unset: the present.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Share lost per day, at least 0 and below 1, staged only; unset: the present.")
    ] = None,
    retained: Annotated[
        float | None,
        typer.Option(help="Share of the base that stays for good, 0 to 1, staged only; unset: the present."),
    ] = None,
    days: Annotated[int, typer.Option(help="How far to look ahead, 1 to 36500.")] = 365,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Also draw it: a file ending in .svg or .html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a rule of decay would make of importance if no agent touched a memory; nothing is written."""
    with refusing():
        scenario = Scenario(policy, rate, days, retained)
    if plot:
        _ensure_drawable(plot)
    settings = settings_for_command()
    found = run(_simulate(settings, scenario, tenant), interrupted=UNTOUCHED)
    if as_json:
        print_json(simulation_data(found))
    else:
        show_simulation(found, asked_rate=rate)
    if plot:
        _save(found, plot)


def _ensure_drawable(plot: Path) -> None:
    """Refuse a picture that could not be written, before anything is computed for it."""
    if plot.suffix.lower() not in FORMATS:
        refuse(f"{plot}: give a file ending in {' or '.join(FORMATS)}")
    folder = plot.parent
    if not folder.is_dir():
        refuse(f"{plot} cannot be written: there is no folder {folder}")
    if plot.is_dir() or not os.access(plot if plot.exists() else folder, os.W_OK):
        refuse(f"{plot} cannot be written: it is a folder, or not yours to write")


async def _simulate(settings: Settings, scenario: Scenario, tenant: str | None) -> Simulation:
    async with running_store(settings) as pool:
        with progress_of() as bar:
            if tenant is not None:
                await ensure_known(pool, tenant)
            task = bar.add_task("memories", total=None if bar.disable else await memories_of(pool, tenant))
            return await simulate(
                pool, settings, scenario, tenant_id=tenant, progress=lambda read: bar.update(task, completed=read)
            )


def _save(found: Simulation, plot: Path) -> None:
    try:
        save_plot(found, plot, title=title(found))
    except OSError as error:
        fail(f"{plot} cannot be written: {error.strerror}")
    say(f"drawn: {plot}", on=err)


def simulation_data(found: Simulation) -> dict[str, Any]:
    """Return the simulation as data; levels of quantiles as texts, times in ISO 8601, costs in points of recall."""
    return {**asdict(found), "as_of": found.as_of.isoformat(), "costs": [asdict(cost) for cost in MEASURED]}


def show_simulation(found: Simulation, *, asked_rate: float | None = None) -> None:
    """Print the simulation as tables."""
    out.print(title(found), style="bold", highlight=False, soft_wrap=True)
    for note in _notes(found, asked_rate):
        say(note)
    if not found.today.count:
        return
    say(_histogram(found))
    say(_numbers(found))
    for line in (*_ordering(found), *_switching(found), costs_in_words()):
        say(line)
    say("Nothing was written.")


def title(found: Simulation) -> str:
    """Return what was simulated, in one line."""
    policy = found.policy or "each tenant's policy"
    rate = (
        "" if found.policy == "bounded" else ", the present rate" if found.rate is None else f", {found.rate:g} a day"
    )
    if found.policy != "bounded" and found.retained is not None:
        rate += f", {found.retained:g} of the base stays"
    memories, tenants = _count(found.today.count, "memory", "memories"), _count(found.tenants, "tenant", "tenants")
    return f"{policy}{rate}: {memories} of {tenants} in {found.days} days, if they are not accessed"


def _notes(found: Simulation, asked_rate: float | None) -> list[str]:
    notes = []
    if found.policy == "bounded" and asked_rate is not None:
        notes.append("note: bounded goes by its half-life, not by a rate")
    elif found.policy == "bounded" and found.retained is not None:
        notes.append(f"note: bounded always leaves {RETAINED:g} of the base")
    elif asked_rate is not None and asked_rate != found.rate:
        bounds = "MEMORY_MIN_DECAY_RATE and MEMORY_MAX_DECAY_RATE"
        notes.append(f"note: {asked_rate:g} is outside {bounds}: {found.rate:g} is used, as a run would")
    if found.switched_off:
        notes.append(f"note: decay is off for {found.switched_off} of them: by the present rule nothing moves there")
    if not found.today.count:
        notes.append("there is no memory with a valid importance")
    return notes


def _spreads(found: Simulation) -> tuple[Distribution, ...]:
    return found.today, found.tonight, found.later, found.later_by_present_rule


def _headed(found: Simulation, first: str) -> tuple[str, ...]:
    return (first, *(column.format(days=found.days) for column in _COLUMNS))


def _histogram(found: Simulation) -> Any:
    rows = table(None, *(column.removesuffix("#") for column in _headed(found, "importance")))
    most = max(max(spread.histogram) for spread in _spreads(found))
    for bar in range(BINS):
        counts = (spread.histogram[bar] for spread in _spreads(found))
        rows.add_row(f"about {bar / (BINS - 1):.1f}", *(_bar(count, most) for count in counts))
    return rows


def _bar(count: int, most: int) -> Text:
    eighths = round(count / most * _BAR_CELLS * 8)
    bar = _BAR[-1] * (eighths // 8) + (_BAR[eighths % 8 - 1] if eighths % 8 else "")
    return Text.assemble((bar or _BAR[0], "cyan"), f" {count:,}") if count else Text("0", "dim")


def _numbers(found: Simulation) -> Any:
    spreads = _spreads(found)
    rows = table("", *_headed(found, ""))
    for level in LEVELS:
        rows.add_row(f"{level:.0%} are at or below", *(_share(spread.quantiles[level]) for spread in spreads))
    rows.add_row("mean", *(_share(spread.mean) for spread in spreads))
    rows.add_row("at the floor", *(f"{spread.at_floor:,}" for spread in spreads))
    for name, changes in (
        ("pairs that swap", [order.swapped for order in _orders(found)]),
        ("pairs made equal", [order.levelled for order in _orders(found)]),
    ):
        shares = (f"{count / found.order.pairs:.2%}" if found.order.pairs else "-" for count in changes)
        rows.add_row(name, "", "", *shares)
    return rows


def _orders(found: Simulation) -> tuple[OrderChange, OrderChange]:
    return found.order, found.order_by_present_rule


def _ordering(found: Simulation) -> list[str]:
    order, present = _orders(found)
    how = f"every pair within a tenant, {order.pairs:,}"
    if found.sampled:
        how = f"{order.pairs:,} pairs; of {found.sampled} tenants a random sample of {MOST_COMPARED:,} memories"
    return [
        f"\nOf {how}: {order.swapped:,} change their order and {order.levelled:,} become equal "
        f"({present.swapped:,} and {present.levelled:,} by the present rule)."
    ]


def _switching(found: Simulation) -> list[str]:
    re, cases = found.repricing, ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in found.verdicts.items())
    moves = [
        f"{count:,} {how} by at most {most:.2g}"
        for count, how, most in ((re.raised, "rise", re.largest_rise), (re.lowered, "fall", re.largest_fall))
        if count
    ]
    return [
        f"Tonight's run finds: {cases}; it writes {found.to_write:,}.",
        f"Of the {re.known:,} memories that have a base, whose time since then is priced again: {', '.join(moves)}."
        if moves
        else f"The {re.known:,} memories that have a base stay where the present rule has them tonight.",
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
