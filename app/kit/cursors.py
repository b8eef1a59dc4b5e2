"""Cursors of lists. A cursor contains the sort values of the last row of a page, and is signed.

A cursor is valid only for the list, the filters, the order and the caller that it was created for.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from app.access.vault import get_vault
from app.errors import Fault, InvalidInput

CursorValue = datetime | date | UUID | str | int

SIGNATURE_BYTES = 12
"""Length of the signature in a cursor: 96 bits are enough to prevent forged cursors."""
CURSOR_VALUE_PARSERS: dict[str, Callable[[str], CursorValue]] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "UUID": UUID, "str": str, "int": int,
}  # fmt: skip
"""Parser of a cursor value by the name of its type.

A cursor stores the type of each value, because the text alone is ambiguous: a village code has eight digits, like a
date in the basic format of ISO 8601."""


def encode_cursor(name: str, binding: Mapping[str, object], values: Sequence[CursorValue]) -> str:
    """Return a cursor of the list `name` that is valid for the values of `binding`."""
    payload = json.dumps([[type(value).__name__, _serialize_value(value)] for value in values]).encode()
    return base64.urlsafe_b64encode(_sign(name, binding, payload) + payload).decode().rstrip("=")


def decode_cursor(
    name: str, binding: Mapping[str, object], cursor: str, expected_length: int
) -> list[CursorValue]:
    """Verify the signature of a cursor and return its sort values.

    Raises:
        InvalidInput: the signature does not match the list and the binding, or the cursor is malformed.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _sign(name, binding, payload)):
            raise ValueError  # noqa: TRY301 - all invalid cursors raise the same error
        values = [CURSOR_VALUE_PARSERS[type_name](text) for type_name, text in json.loads(payload)]
    except (ValueError, TypeError, LookupError):
        values = []
    if len(values) != expected_length:
        detail = "The cursor is invalid, or belongs to another list, to other filters or to another order."
        raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
    return values


def _sign(name: str, binding: Mapping[str, object], payload: bytes) -> bytes:
    bound_values = sorted((key, str(value)) for key, value in binding.items() if value is not None)
    context = json.dumps([name, bound_values]).encode()
    return get_vault().blind_index.compute_digest(b"cursor", context, payload)[:SIGNATURE_BYTES]


def _serialize_value(value: CursorValue) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
