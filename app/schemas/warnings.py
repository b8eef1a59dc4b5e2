"""Warnings: fields that are accepted and kept although they look wrong or incomplete."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

from pydantic import Field

from app.errors import Fault
from app.fault_codes import FaultCode
from app.schemas.fault_messages import (
    GENERIC_MESSAGE,
    PYDANTIC_MESSAGES,
    VALIDATION_MESSAGES,
    WARNING_MESSAGES,
    format_message,
    translate_detail,
)
from app.schemas.wire import Output

response_language: Final[ContextVar[str]] = ContextVar("response_language", default="en")
"""The preferred language of the current request: `en` or `km`."""


class InputWarning(Output):
    """A field that was accepted although it looks wrong or incomplete."""

    pointer: str = Field(description="JSON pointer of the field in the body of the request (RFC 6901).")
    code: FaultCode = Field(description="Code of the finding. It never changes.")
    params: dict[str, Any] = Field(description="Values that `detail` contains. They are never input.")
    detail: str = Field(description="Explanation in the language of the request.")


_MESSAGES: Final = {**PYDANTIC_MESSAGES, **VALIDATION_MESSAGES, **WARNING_MESSAGES}


def build_warning(pointer: str, code: FaultCode, **params: Any) -> Fault:
    """Return a warning with the message of its code."""
    return Fault(pointer, code, format_message(_MESSAGES.get(code, GENERIC_MESSAGE), params), params)


def to_warnings(faults: Iterable[Fault]) -> list[InputWarning]:
    """Return the warnings of a response in the language of the request."""
    language = response_language.get()
    return [
        InputWarning(
            pointer=fault.pointer or "",
            code=fault.code,
            params=dict(fault.params),
            detail=translate_detail(fault, language),
        )
        for fault in faults
    ]
