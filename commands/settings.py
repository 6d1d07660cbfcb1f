"""``settings``: every setting with its default, its meaning and what it is now."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from rich.text import Text

from commands.console import AsJson, out, print_json, settings_for_command
from commands.tables import table
from memory_maintenance.settings import Settings

Markdown = Annotated[bool, typer.Option("--markdown", help="Print docs/configuration.md.")]

HEAD = """# Configuration

Every setting, from `memory_maintenance/settings/`; this page is written by `python starter.py settings --markdown`.
Each is an environment variable, or a line of the file `.env` in the folder a command is run from.
`python starter.py settings` shows what each is now.

| setting | default | meaning |
|---|---|---|
"""


def show_settings(as_json: AsJson = False, markdown: Markdown = False) -> None:
    """Show every setting: what it is now, where that differs from the default, and what it means."""
    if markdown:
        return typer.echo(as_markdown(), nl=False)
    settings = settings_for_command()
    if as_json:
        return print_json({name.upper(): _plain(getattr(settings, name)) for name in Settings.model_fields})
    rows = table(None, "setting", "now", "meaning")
    for name, field in Settings.model_fields.items():
        now, default = _plain(getattr(settings, name)), _default(field)
        value = Text.assemble((now, "bold"), f" (default {default})") if now != default else default
        rows.add_row(name.upper(), value, _meaning(field))
    for warning in settings.warnings():
        out.print(Text.assemble(("note:", "yellow"), f" {warning}"))
    return out.print(rows)


def as_markdown() -> str:
    """Return the page of the documentation that describes every setting."""
    rows = (
        f"| `{name.upper()}` | {f'`{_default(field)}`' if _default(field) != '' else 'unset'} | {_meaning(field)} |\n"
        for name, field in Settings.model_fields.items()
    )
    return HEAD + "".join(rows)


def _meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is PydanticUndefined else _plain(value)


def _plain(value: Any) -> str:
    """Return a value as one would write it into the environment; a secret only as being set."""
    if value is None or (isinstance(value, SecretStr) and not value.get_secret_value()):
        return ""
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, tuple | list | frozenset | set) else str(value)
