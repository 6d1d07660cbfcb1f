"""Serving the pages until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings
from runtime.wiring import running_stack_of
from web.application import application
from web.sources import Sources, opened


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to ``serve``: uvicorn raises them again, which would end the process before its servers."""
        yield


async def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    with_text: bool,
    allow_review: bool,
    started: Callable[[str, Sources], object],
) -> None:
    """Serve the pages on *host* and *port*, 0 for any free one; *started* is called with their address.

    Raises:
        SettingsError: the address cannot be used.
        DatabaseUnavailableError: the store does not answer now; later that is an error of a page.
        StackError: an embedded server does not start.
    """
    token = settings.memory_maintenance_web_token
    with _listening(host, port) as listening:
        async with running_stack_of(settings) as stack:
            web_ui = settings.temporal_ui_url or stack.temporal_ui_url
            sources = Sources(settings, stack.database_url, stack.temporal_address, web_ui, with_text, allow_review)
            app = application(sources, token=token.get_secret_value() if token else None)
            config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
            server = _Server(config)
            async with opened(sources):
                await sources.pool()
                for number in (signal.SIGTERM, signal.SIGINT):
                    asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
                shown = f"[{host}]" if ":" in host else host
                started(f"http://{shown}:{listening.getsockname()[1]}/", sources)
                await server.serve(sockets=[listening])


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}, port {port}: {error.strerror}; give another --port") from None
    with listening:
        yield listening
