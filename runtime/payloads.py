"""How payloads are written: by pydantic, and through the codec that TEMPORAL_PAYLOAD_CODEC names, if any."""

from __future__ import annotations

import dataclasses
import importlib

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings


def data_converter(settings: Settings) -> DataConverter:
    """Return the converter of every client and worker, and of a replay.

    With a codec the messages of failures are encoded, too: they may name a tenant.

    Raises:
        SettingsError: there is no such codec.
    """
    if settings.temporal_payload_codec is None:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=_codec(settings.temporal_payload_codec),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _codec(name: str) -> PayloadCodec:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(f"TEMPORAL_PAYLOAD_CODEC: cannot import {name!r} ({type(error).__name__})") from None
    codec = found() if callable(found) else found
    if not isinstance(codec, PayloadCodec):
        raise SettingsError(f"TEMPORAL_PAYLOAD_CODEC: {name!r} is no temporalio.converter.PayloadCodec, nor makes one")
    return codec
