"""Cursors of lists. A cursor contains the encrypted sort values of the last row of a page.

A cursor is valid only for the list, the filters, the order and the caller that it was created for.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from app.access.jwk import encode_base64url
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput

CursorValue = datetime | date | UUID | str | int


CURSOR_VALUE_PARSERS: dict[str, Callable[[str], CursorValue]] = {
    "datetime": datetime.fromisoformat, "date": date.fromisoformat, "UUID": UUID, "str": str, "int": int,
}  # fmt: skip
"""Parser of a cursor value by the name of its type.

A cursor stores the type of each value, because the text alone is ambiguous: a village code has eight digits, like a
date in the basic format of ISO 8601."""


def encode_cursor(name: str, binding: Mapping[str, object], values: Sequence[CursorValue]) -> str:
    """Return a cursor of the list `name` that is valid for the values of `binding`."""
    payload = json.dumps([[type(value).__name__, _serialize_value(value)] for value in values]).encode()
    encrypted = _get_cipher().encrypt(payload, [_serialize_context(name, binding)])
    return encode_base64url(encrypted)


def decode_cursor(
    name: str, binding: Mapping[str, object], cursor: str, expected_length: int
) -> list[CursorValue]:
    """Decrypt a cursor and return its sort values.

    Raises:
        InvalidInput: the cursor belongs to another list or binding, or was changed.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if encode_base64url(raw) != cursor:
            raise ValueError  # noqa: TRY301 - all invalid cursors raise the same error
        payload = _get_cipher().decrypt(raw, [_serialize_context(name, binding)])
        values = [CURSOR_VALUE_PARSERS[type_name](text) for type_name, text in json.loads(payload)]
    except (InvalidTag, ValueError, TypeError, LookupError):
        values = []
    if len(values) != expected_length:
        detail = "The cursor is invalid, or belongs to another list, to other filters or to another order."
        raise InvalidInput([Fault("query:cursor", "cursor_invalid", detail)])
    return values


def _get_cipher() -> AESSIV:
    """Return a cipher without a nonce (RFC 5297). Equal pages have equal cursors, so that they can be cached by their ETag."""
    return AESSIV(get_vault().blind_index.compute_digest(b"cursor", b""))


def _serialize_context(name: str, binding: Mapping[str, object]) -> bytes:
    """Return the list and the binding of a cursor, with which it is authenticated."""
    bound_values = sorted((key, str(value)) for key, value in binding.items() if value is not None)
    return json.dumps([name, bound_values]).encode()


def _serialize_value(value: CursorValue) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
