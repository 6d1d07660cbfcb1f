"""Registering the search attributes, and finding out whether a server has them."""

from __future__ import annotations

from typing import Final

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from memory_maintenance.errors import RegistrationRefusedError, SearchAttributeTypeError
from runtime.client import ANSWER_TIMEOUT
from workflows.search_attributes import NAMES

logger = structlog.get_logger(__name__)

_KEYWORD: Final = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_NOT_OURS: Final = (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.UNIMPLEMENTED)


async def register_search_attributes(client: Client) -> list[str]:
    """Register those that are missing and return their names. Twice is once.

    Raises:
        SearchAttributeTypeError: one of them has another type: the server itself would say nothing.
        RegistrationRefusedError: we may not.
    """
    try:
        registered = await _registered(client)
        for name in NAMES:
            if registered.get(name, _KEYWORD) != _KEYWORD:
                raise SearchAttributeTypeError(name, client.namespace)
        missing = [name for name in NAMES if name not in registered]
        if missing:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=dict.fromkeys(missing, _KEYWORD)
                )
            )
    except RPCError as error:
        if error.status in _NOT_OURS:
            raise RegistrationRefusedError(NAMES) from None
        raise
    return missing


class SearchAttributes:
    """Whether the server of *client* knows our search attributes."""

    def __init__(self, client: Client) -> None:
        """Ask through *client*, each time."""
        self._client = client

    async def registered(self) -> bool:
        """Return whether all of them are registered as we use them; False where the server does not tell."""
        try:
            known = await _registered(self._client)
        except RPCError as error:
            logger.warning("search_attributes_unknown", status=error.status.name)
            return False
        return all(known.get(name) == _KEYWORD for name in NAMES)


async def _registered(client: Client) -> dict[str, int]:
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=ANSWER_TIMEOUT
    )
    return dict(found.custom_attributes)
