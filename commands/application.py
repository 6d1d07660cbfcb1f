"""The command line as a whole: which groups there are."""

from __future__ import annotations

import typer

from commands import (
    backup,
    changes,
    cost,
    cycles,
    decay,
    demo,
    deployment,
    doctor,
    memories,
    model,
    report,
    review,
    run,
    schedules,
    settings,
    simulate,
    status,
    store,
    tenants,
    web,
    webhooks,
)

app = typer.Typer(
    name="starter.py",
    help="Operate the maintenance of an agent memory store.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("migrate")(store.migrate_store)
app.command("backup")(backup.back_up_store)
app.command("run")(run.run_now)
app.command("summarize")(run.summarize)
app.command("dream")(run.dream)
app.command("simulate")(simulate.simulate_decay)
app.command("cost")(cost.show_cost)
app.command("doctor")(doctor.doctor)
app.command("status")(status.show_status)
app.command("report")(report.write_report)
app.command("web")(web.serve_pages)
app.command("settings")(settings.show_settings)
app.command("undo")(changes.take_back)
app.add_typer(schedules.app, name="schedules")
app.add_typer(cycles.app, name="cycles")
app.add_typer(tenants.app, name="tenants")
app.add_typer(memories.app, name="memories")
app.add_typer(decay.app, name="decay")
app.add_typer(changes.app, name="changes")
app.add_typer(review.app, name="review")
app.add_typer(model.app, name="model")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(deployment.app, name="deployment")
