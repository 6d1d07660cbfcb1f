"""How ``memories explain`` shows a calculation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from commands.console import out, say
from commands.tables import show_titled, table
from memory_maintenance.decay.costs import cost_of
from memory_maintenance.decay.policy import demoted
from memory_maintenance.inspection.decay import WORDS, DecayExplanation
from memory_maintenance.inspection.derived import Dependent, WrittenMemory
from memory_maintenance.printable import in_one_line


def show_explanation(why: DecayExplanation) -> None:
    """Print the calculation in words and numbers."""
    layer = why.row.layer or "no layer"
    out.print(Text.assemble((str(why.memory_id), "bold"), in_one_line(f"  tenant {why.tenant_id}, {layer}")))
    for line in (f"As of {utc(why.as_of)}: {WORDS[why.outcome.verdict]}.", *_switches(why)):
        say(line)
    facts = facts_table()
    for name, said in _facts(why):
        facts.add_row(name, said)
    out.print(facts, highlight=False)
    if why.outcome.base is not None:
        show_titled("Days since the base, by the time since the last access", _days(why))
        speed = f"{why.speed:.3g}" if why.speed is not None else "-"
        show_titled(f"If it is not accessed (multiplier now {speed})", _future(why))


def _switches(why: DecayExplanation) -> list[str]:
    off = ["Decay is off for its tenant: nothing below is written."] if not why.enabled else []
    paused = ["Its tenant is paused: nothing is written until it is resumed."] if why.paused else []
    return off + paused


def _facts(why: DecayExplanation) -> list[tuple[str, str]]:
    o, row = why.outcome, why.row
    facts = [("rule", _rule(why))]
    if why.rule.policy == "staged":
        facts.append(("it leaves", f"{why.rule.retained:g} of the base for good ({_origin(why.origin.retained)})"))
    facts += [("it costs", cost_of(why.rule)), ("not decayed", _protection(why))]
    if o.base is None or o.base_at is None or o.last_access is None:
        return [*facts, ("stored now", digits(why.stored))]
    accessed = "" if row.last_accessed_at else " (never recalled: since it was made)"
    if row.known_access is None:
        accessed = " (unknown, so since the base)"
    return [
        ("base", f"{o.base:.6f}, valid since {utc(o.base_at)}, {_length(why.as_of - o.base_at)} ago"),
        ("last access", f"{utc(o.last_access)}, {_length(why.as_of - o.last_access)} ago{accessed}"),
        *facts,
        ("exposure", f"{why.exposure_days:.4f} days{_layer(why)}"),
        ("factor", _factor(why)),
        *(
            [("demotion", f"{row.demotion:g} (starter.py changes list --memory {why.memory_id})")]
            if row.demotion
            else []
        ),
        ("result", f"max({why.rule.floor:g}, {o.base:.6f} x {why.factor:.6f}){_demotion(why)} = {o.importance:.6f}"),
        ("stored now", f"{digits(why.stored)}{_comparison(why)}"),
    ]


def _rule(why: DecayExplanation) -> str:
    rule, origin = why.rule, why.origin
    policy = f"{rule.policy} ({_origin(origin.policy)})"
    access = "" if rule.use_access else "; access does not count (MEMORY_ACCESS_COUNT_BOOST)"
    if rule.policy == "bounded":
        return f"{policy}: to {rule.retained:g} of the base, half of the way every {rule.half_life_days:g} days{access}"
    bound = f", within {origin.rate_bound}" if origin.rate_bound else ""
    return f"{policy}: {rule.rate:g} lost per day at multiplier 1 ({_origin(origin.rate)}{bound}){access}"


def _origin(name: str) -> str:
    return {"override": "the tenant's override", "store": "as this store began"}.get(name, name)


def _protection(why: DecayExplanation) -> str:
    tags = ", ".join(sorted(why.rule.protected_tags)) or "none"
    carried = ", ".join(sorted(why.row.tags & why.rule.protected_tags))
    this_one = f"; this one: {carried}" if carried else ""
    return f"memories tagged {tags} ({_origin(why.origin.protected_tags)}){this_one}"


def _layer(why: DecayExplanation) -> str:
    speed = why.rule.speed(why.row.layer)
    return "" if speed == 1 else f", x {speed:g} for the layer {why.row.layer} included"


def _factor(why: DecayExplanation) -> str:
    power = f"exp(-{why.rule.hazard:.6g} x {why.exposure_days:.4f})"
    kept = why.rule.retained
    return f"{f'{kept:g} + {1 - kept:g} x {power}' if kept else power} = {why.factor:.6f}"


def _demotion(why: DecayExplanation) -> str:
    return "" if why.row.demotion is None else f" x {why.row.demotion:g}"


def _comparison(why: DecayExplanation) -> str:
    if why.agrees:
        return ": the same"
    if why.is_due:
        return ": the next run writes the result"
    if not why.enabled or why.paused or why.stored is None or why.importance is None:
        return ""
    return f": nearer than MEMORY_DECAY_TOLERANCE ({why.tolerance:g}), so it is not written yet"


def _days(why: DecayExplanation) -> Table:
    rows = table(None, "stage", "days#", "multiplier#", "exposure#")
    for part in why.parts:
        days = part.length / timedelta(days=1)
        rows.add_row(part.stage, f"{days:.4f}", f"{float(part.multiplier):.4f}", f"{float(part.exposure):.4f}")
    if not why.parts:
        rows.add_row("no time has passed", "0", "", "0")
    return rows


def _future(why: DecayExplanation) -> Table:
    rows = table(None, "importance#", "reached")
    for milestone in why.milestones:
        rows.add_row(f"{milestone:g}", _when(why, milestone))
    return rows


def _when(why: DecayExplanation, milestone: float) -> str:
    if why.importance is not None and why.importance <= milestone:
        return "it is at or below that already"
    if (
        why.outcome.base is not None
        and (kept := demoted(why.outcome.base * why.rule.retained, why.row.demotion)) >= milestone
    ):
        return f"never: {kept:.3f} stays"
    at = why.reaches(milestone)
    return "not within 200 years" if at is None else f"{utc(at)}, in {_length(at - why.as_of)}"


def explanation_data(
    why: DecayExplanation, written: WrittenMemory | None, dependents: Sequence[Dependent]
) -> dict[str, Any]:
    """Return the calculation as data; every time in ISO 8601, every importance in [0, 1]."""
    o, rule = why.outcome, why.rule
    return {
        "memory_id": why.memory_id,
        "tenant_id": why.tenant_id,
        "as_of": _iso(why.as_of),
        "verdict": o.verdict,
        "verdict_in_words": WORDS[o.verdict],
        "decay_enabled": why.enabled,
        "paused": why.paused,
        "base": o.base,
        "base_at": _iso(o.base_at),
        "last_access": _iso(o.last_access),
        "rule": {
            "policy": rule.policy,
            "rate_per_day": rule.rate,
            "half_life_days": rule.half_life_days,
            "retained_share": rule.retained,
            "cost": cost_of(rule),
            "uses_access": rule.use_access,
            "floor": rule.floor,
            "protected_tags": sorted(rule.protected_tags),
            "origin": asdict(why.origin),
        },
        "segments": [
            {
                "stage": part.stage,
                "days": part.length / timedelta(days=1),
                "multiplier": float(part.multiplier),
                "exposure_days": float(part.exposure),
            }
            for part in why.parts
        ],
        "layer": why.row.layer,
        "layer_speed": rule.speed(why.row.layer),
        "multiplier_now": why.speed,
        "exposure_days": why.exposure_days,
        "factor": why.factor,
        "demotion": why.row.demotion,
        "result": o.importance,
        "stored": _finite(why.stored),
        "stored_agrees": why.agrees,
        "next_run_writes": why.is_due,
        "reaches": {f"{milestone:g}": _iso(why.reaches(milestone)) for milestone in why.milestones},
        "derived": written and asdict(written),
        "dependents": [asdict(one) for one in dependents],
    }


def _finite(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)


def digits(value: float | None) -> str:
    """Return an importance to six decimal places."""
    return "none" if value is None else f"{value:.6f}"


def facts_table() -> Table:
    """Return an empty table of names and what is said of them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    return grid


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def utc(time: datetime) -> str:
    """Return *time* to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _length(length: timedelta) -> str:
    days = length / timedelta(days=1)
    if abs(days) < 2:  # noqa: PLR2004  two days are shown in hours
        return f"{length / timedelta(hours=1):.1f} hours"
    return f"{days:.1f} days" if days < 1000 else f"{days / 365.25:.1f} years"  # noqa: PLR2004
