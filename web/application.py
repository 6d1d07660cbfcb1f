"""The pages as one ASGI application: paths, what an error looks like, and who may read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from memory_maintenance.errors import (
    ChangeNotFoundError,
    ChangeRefusedError,
    CycleNotFoundError,
    InvalidRequestError,
    MaintenanceError,
    MemoryNotFoundError,
    TenantNotFoundError,
)
from web import cycles, fleet, memory, review, tenant, tonight
from web.access import Access
from web.forms import sent_form
from web.page import Page
from web.rendering import TEMPLATES, rendered
from web.sources import Sources

PAGES: Final = (
    Page("/", tonight.read, "Tonight"),
    Page("/fleet", fleet.read, "Fleet"),
    Page("/tenant", tenant.read, below="/fleet"),
    Page("/memory", memory.read, "Memory"),
    Page("/cycles", cycles.read, "Cycles"),
    Page("/cycle", cycles.read_one, below="/cycles"),
    Page("/review", review.read, "Review"),
    Page("/proposal", review.read_one, below="/review", write=review.write_one),
)
"""Every page; those with a name are in the navigation, in this order."""

NOT_FOUND: Final = (TenantNotFoundError, MemoryNotFoundError, CycleNotFoundError, ChangeNotFoundError)

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f6feb"/>'
    '<path d="M3 4q1 7 10 8" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>'
)

STYLE: Final = (TEMPLATES / "report.css").read_text() + (TEMPLATES / "site.css").read_text()
STYLE_ADDRESS: Final = f"/style.css?{sha256(STYLE.encode()).hexdigest()[:12]}"
"""Another one after an upgrade, so that browsers may keep it."""


def application(sources: Sources, *, token: str | None = None) -> ASGIApp:
    """Return the application over *sources*; with a *token*, for whoever has it, else for this machine."""
    fixed = {"/style.css": (STYLE, "text/css"), "/icon.svg": (ICON, "image/svg+xml")}
    routes = [_route(sources, page) for page in PAGES]
    routes += [Route(path, _fixed(*content)) for path, content in fixed.items()]
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        MaintenanceError: partial(_explained, sources),
        HTTPException: partial(_refused, sources),
    }
    return Access(Starlette(routes=routes, exception_handlers=handlers), token)


def _route(sources: Sources, page: Page) -> Route:
    methods = ["GET", "POST"] if page.write and sources.allow_review else ["GET"]
    return Route(page.path, partial(_answer, sources, page), methods=methods)


async def _answer(sources: Sources, page: Page, request: Request) -> Response:
    if page.write and request.method == "POST":
        form = await sent_form(request, sources.form_key)
        # Another address, so that a reload asks for the page and sends no form again.
        return RedirectResponse(await page.write(sources, form), HTTPStatus.SEE_OTHER)
    filled = await page.read(sources, request.query_params)
    return _html(sources, page.below or page.path, filled.template, filled.context)


async def _explained(sources: Sources, request: Request, error: MaintenanceError) -> Response:
    """Return the page that says what is wrong, with the status for programs."""
    if isinstance(error, NOT_FOUND):
        status, advice = HTTPStatus.NOT_FOUND, None
    elif isinstance(error, ChangeRefusedError):
        status, advice = HTTPStatus.CONFLICT, "Nothing was changed."
    elif isinstance(error, InvalidRequestError):
        status, advice = HTTPStatus.BAD_REQUEST, None
    else:
        status, advice = HTTPStatus.SERVICE_UNAVAILABLE, "Reload the page once that is mended."
    context = {"title": _title(status), "message": str(error), "advice": advice}
    return _html(sources, request.url.path, "error.html.j2", context, status)


async def _refused(sources: Sources, request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    message = "There is no such page." if status is HTTPStatus.NOT_FOUND else error.detail
    context = {"title": _title(status), "message": message, "advice": None}
    response = _html(sources, request.url.path, "error.html.j2", context, status)
    response.headers.update(error.headers or {})
    return response


def _title(status: HTTPStatus) -> str:
    return {
        HTTPStatus.NOT_FOUND: "Not found",
        HTTPStatus.BAD_REQUEST: "Not understood",
        HTTPStatus.CONFLICT: "Not done",
        HTTPStatus.SERVICE_UNAVAILABLE: "Not available",
    }.get(status, status.phrase)


def _html(
    sources: Sources, here: str, template: str, context: dict[str, Any], status: HTTPStatus = HTTPStatus.OK
) -> Response:
    around = {
        "title": "",
        "pages": [(page.name, page.path) for page in PAGES if page.name],
        "here": here,
        "style": STYLE_ADDRESS,
        "store": sources.store,
        "with_text": sources.with_text,
        "allow_review": sources.allow_review,
        "form_key": sources.form_key,
        "now": datetime.now(UTC),
    }
    return HTMLResponse(rendered(template, **around | context), status)


def _fixed(content: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:  # noqa: ARG001
        return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=86400"})

    return answer
