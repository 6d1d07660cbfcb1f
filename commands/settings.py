"""``settings``: every setting with its default, its meaning and what it is now."""

from __future__ import annotations

import re
from collections.abc import Container
from decimal import Decimal
from typing import Annotated, Any, Final

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from rich.text import Text

from commands.console import AsJson, out, print_json, settings_for_command
from commands.tables import table
from memory_maintenance.redaction import HIDDEN, shown_address
from memory_maintenance.settings import LAYER_SPELLINGS, Settings
from memory_maintenance.writers.model.quality import QualityThresholds

Markdown = Annotated[bool, typer.Option("--markdown", help="Print docs/configuration.md.")]

HEAD = """# Configuration

Every setting, from `memory_maintenance/settings/`; this page is written by `python starter.py settings --markdown`.
Each is an environment variable, or a line of the file `.env`: the one in the folder that a command is
run from, else the one beside `worker.py`. Where both exist and differ, every command refuses to start.
`python starter.py settings` shows what each is now.

| setting | default | meaning |
|---|---|---|
"""

_LIKE_AN_ADDRESS: Final = re.compile(r"://|@|[?&#;][\w-]+=")
"""What a setting holds that may be an address with credentials in it, whatever its name says."""


def show_settings(as_json: AsJson = False, markdown: Markdown = False) -> None:
    """Show every setting: what it is now, where that differs from the default, and what it means."""
    if markdown:
        return typer.echo(as_markdown(), nl=False)
    settings = settings_for_command()
    if as_json:
        return print_json({name.upper(): shown(settings, name) for name in Settings.model_fields})
    rows = table(None, "setting", "now", "meaning")
    for name, field in Settings.model_fields.items():
        now, default = shown(settings, name), _default(field)
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


def shown(settings: Settings, name: str) -> str:
    """Return what a setting is now, as one would write it into the environment, without secrets.

    Of a secret and of PEM text it says only that it is set; addresses lose user, password and query; in a mapping
    only the names that mean something here are shown: any other may be a key in the wrong place.
    """
    meant = {
        settings.rae_llm_model_default,
        *settings.writing_models,
        settings.embedding_model,
        *LAYER_SPELLINGS,
        *QualityThresholds.model_fields,
    }
    return _plain(getattr(settings, name), meant)


def _plain(value: Any, meant: Container[str | None] = ()) -> str:
    if value is None or (isinstance(value, SecretStr) and not value.get_secret_value()):
        return ""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, dict):
        return ",".join(f"{key if key in meant else HIDDEN}={_plain(each)}" for key, each in value.items())
    if isinstance(value, tuple | list | frozenset | set):
        return ("/" if isinstance(value, tuple) and value and isinstance(value[0], Decimal) else ",").join(
            map(str, value)
        )
    text = str(value)
    if "-----BEGIN" in text:
        return HIDDEN
    return shown_address(text) if _LIKE_AN_ADDRESS.search(text) else text
