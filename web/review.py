"""*Review*: proposals that wait for a decision, and one of them with both memories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from memory_maintenance.changes.change import change, texts_of
from memory_maintenance.changes.reviewing import Verdict, decide, proposals, waiting
from memory_maintenance.errors import ChangeNotFoundError, InvalidRequestError
from web.page import Filled
from web.sources import Sources

PER_PAGE: Final = 50

LONGEST: Final = 4_000
"""Characters of a memory that are shown."""


async def read(sources: Sources, query: QueryParams) -> Filled:
    """Return the page of the proposals that wait: of ``tenant``, of ``task``, those numbered below ``before``."""
    pool, which = await sources.pool(), _which(query)
    before = _number(query["before"]) if query.get("before") else None
    found = await proposals(pool, **which, before=before, most=PER_PAGE + 1)
    by_task = await waiting(pool)
    return Filled(
        "review.html.j2",
        {
            "title": "Review",
            "proposals": found[:PER_PAGE],
            "total": sum(by_task.values()),
            "tasks": list(by_task.items()),
            "tenant": which["tenant_id"] or "",
            "task": which["task"] or "",
            "is_first": before is None,
            "link": lambda number: _link("/proposal", query, id=number),
            "older": _link("/review", query, before=found[PER_PAGE - 1].change_id) if found[PER_PAGE:] else None,
        },
    )


async def read_one(sources: Sources, query: QueryParams) -> Filled:
    """Return the page of the proposal ``id``; ``tenant`` and ``task`` say which one is the next.

    Raises:
        InvalidRequestError: ``id`` is no number.
        ChangeNotFoundError: no change has this number.
    """
    pool = await sources.pool()
    one = await change(pool, _number(query.get("id", "")))
    if one.revision:  # a text that was written again was never proposed
        raise ChangeNotFoundError(one.change_id)
    texts = await texts_of(pool, one.tenant_id, one.memories, most=LONGEST if sources.with_text else 0)
    loser = "to be demoted" if one.status == "proposed" else "demoted" if one.status == "applied" else "not demoted"
    older = await proposals(pool, **_which(query), before=one.change_id, most=1)
    return Filled(
        "proposal.html.j2",
        {
            "title": f"Proposal {one.change_id}",
            "one": one,
            "memories": list(zip((loser, "in favour of"), one.memories, strict=True)),
            "texts": texts,
            "next": _link("/proposal", query, id=older[0].change_id) if older else None,
            "all": _link("/review", query),
            "which": {name: query[name] for name in ("tenant", "task") if query.get(name)},
        },
    )


async def write_one(sources: Sources, form: Mapping[str, str]) -> str:
    """Accept or reject the proposal ``id`` by the function behind the command, and return its page's address.

    Raises:
        InvalidRequestError: ``id`` is no number, ``verdict`` neither accept nor reject, or ``by`` is empty.
        ChangeNotFoundError: no change has this number.
        ChangeRefusedError: it was decided otherwise, or one of the two memories has changed since.
    """
    verdict, by, reason = (form.get(name, "").strip() for name in ("verdict", "by", "reason"))
    if verdict not in get_args(Verdict):
        raise InvalidRequestError("a proposal is accepted or rejected")
    if not by:
        raise InvalidRequestError("say who decides: the audit log keeps it")
    change_id = _number(form.get("id", ""))
    await decide(await sources.pool(), change_id, cast("Verdict", verdict), by=by, reason=reason or None)
    return _link("/proposal", form, id=change_id)


def _which(query: Mapping[str, str]) -> dict[str, str | None]:
    return {"tenant_id": query.get("tenant", "").strip() or None, "task": query.get("task") or None}


def _link(path: str, query: Mapping[str, str], **more: int) -> str:
    """Return the address of a page that keeps which proposals are looked through."""
    kept = {name: query[name] for name in ("tenant", "task") if query.get(name)}
    return f"{path}?{urlencode(kept | more)}" if kept or more else path


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004  digits of a bigint
        raise InvalidRequestError("that is not the number of a proposal")
    return int(text)
