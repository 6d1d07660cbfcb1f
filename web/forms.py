"""The fields of a form that one of our own pages sent."""

from __future__ import annotations

import hmac
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BYTES: Final = 16_384
MOST_FIELDS: Final = 20

KEY: Final = "form_key"
"""Name of the field that holds the key."""


async def sent_form(request: Request, key: str) -> dict[str, str]:
    """Return the fields of a form, without its key.

    Another site can make a reader's browser send a form here, with his token, but it cannot read our pages: the
    key that is in each of our forms is what it does not know. What the browser says of the sender is checked, too.

    Raises:
        HTTPException: the form is too large, cannot be read, or was not sent by a page of this process.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    from_here = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if not from_here or not hmac.compare_digest(fields.pop(KEY, "").encode(), key.encode()):
        raise HTTPException(
            HTTPStatus.FORBIDDEN,
            "The form was not sent by these pages, or they were started again since: open the page again.",
        )
    return fields
