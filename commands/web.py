"""``web``: the pages for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from commands.console import fail, refuse, run, say, settings_for_command

if TYPE_CHECKING:
    from web.sources import Sources

PORT: Final = 8321


def serve_pages(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but a loopback one needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0: any free one.")] = PORT,
    with_text: Annotated[
        bool, typer.Option("--with-text", help="Show the text of memories, summaries and reflections, too.")
    ] = False,
    allow_review: Annotated[
        bool, typer.Option("--allow-review", help="Allow readers of the pages to accept and reject proposals.")
    ] = False,
) -> None:
    """Serve pages until Ctrl-C: tonight, the fleet, a tenant, a memory, cycles, proposals. Read-only by default."""
    try:
        from web.access import is_loopback  # noqa: PLC0415  optional
        from web.server import serve  # noqa: PLC0415
    except ImportError:
        fail("the pages need starlette and uvicorn: pip install 'starlette>=1.0' 'uvicorn>=0.40' (the extra `web`)")
    settings = settings_for_command()
    if not is_loopback(host) and not settings.memory_maintenance_web_token:
        refuse(f"--host {host} can be reached by others: set MEMORY_MAINTENANCE_WEB_TOKEN, or leave --host out")
    run(serve(settings, host=host, port=port, with_text=with_text, allow_review=allow_review, started=_say_where))


def _say_where(address: str, sources: Sources) -> None:
    say(f"{address} (store {sources.store}; Ctrl-C ends it)")
    if sources.settings.memory_maintenance_web_token:
        say("a browser asks for a name and a password: any name, and MEMORY_MAINTENANCE_WEB_TOKEN")
    if sources.with_text:
        say("the pages hold text of memories")
    if sources.allow_review:
        say("readers of the pages can accept and reject proposals")
