"""JSON as RFC 8259 and I-JSON (RFC 7493) mean it: one reading of a body, or a clear refusal.

What Python's reader lets through and databases, other readers or we ourselves then stumble over is refused here:
duplicate keys, NaN, infinities, lone surrogates, NUL, endless nesting, numbers no 64-bit reader can hold.
"""

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import params
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.errors import Fault, MalformedRequest, UnsupportedMediaType

MAX_DEPTH = 32
"""How deep arrays and objects may nest; the deepest real body has seven levels."""

INT64_DIGITS = 20
INT64 = range(-(2**63), 2**63)

WRITES = frozenset({"POST", "PUT", "PATCH"})
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def _malformed(code: str, detail: str) -> MalformedRequest:
    """Return the refusal, pointing at the whole body: a place inside it could hold a child's data."""
    error = MalformedRequest(detail)
    error.faults = (Fault("", code, detail),)
    return error


def parse(body: bytes) -> Any:
    """Return what `body` says. Raises `Malformed` unless it is exactly one strict JSON value in UTF-8."""
    if not body:
        raise _malformed("body_missing", "The body is empty.")
    text = _decode(body)
    _refuse_deep(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _malformed("json_invalid", f"The body is not valid JSON ({where}).") from None
    except RecursionError:
        raise _too_deep() from None
    if _SUSPECT_ESCAPE.search(body):
        _refuse_unstorable(value)
    return value


def _decode(body: bytes) -> str:
    """Return the text of `body`: UTF-8 without a byte order mark."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise _malformed("byte_order_mark", "The body starts with a byte order mark.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _malformed("not_utf8", "The body is not UTF-8.") from None


def _too_deep() -> MalformedRequest:
    return _malformed("too_deep", f"Arrays and objects may nest {MAX_DEPTH} levels deep.")


def _refuse_deep(body: bytes) -> None:
    """Raise `Malformed` above `MAX_DEPTH`. Linear in the body, and two counts for an ordinary one."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    nest = outside_strings.translate(_ONE_KIND_OF_BRACKET, delete=_ALL_BUT_BRACKETS)
    for _ in range(MAX_DEPTH):  # every pass takes the innermost level away
        nest = nest.replace(b"[]", b"")
    if b"[]" in nest:
        raise _too_deep()


def _refuse_unstorable(value: Any) -> None:
    """Raise `Malformed` where a string or key holds NUL or half of a surrogate pair."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if found := _UNSTORABLE.search(item):
                raise _unstorable(found[0])
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _unstorable(character: str) -> MalformedRequest:
    if character == "\x00":
        return _malformed("nul_character", "A text holds the character U+0000.")
    return _malformed("lone_surrogate", "A text holds half of a surrogate pair.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("duplicate_key", "An object names the same key twice.")
    return members


def _integer(digits: str) -> int:
    if len(digits) > INT64_DIGITS or (number := int(digits)) not in INT64:
        raise _malformed("number_too_large", "A whole number does not fit into 64 bits.")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _malformed("number_too_large", "A number is too large.")
    return number


def _constant(_name: str) -> Any:
    raise _malformed("json_invalid", "NaN and Infinity are not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


class StrictRequest(Request):
    """A request whose body is read as strict JSON, once."""

    async def json(self) -> Any:
        """Return the body's value. Raises `Malformed`."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json

    async def admit(self) -> None:
        """Check what a write carries before anybody looks at it.

        An empty body passes: FastAPI answers 422 `missing` where one is required.
        Raises `UnsupportedMediaType` unless it is labelled JSON (a label is needed even without a
        preflight, ASVS V3.5.2), and `Malformed`.
        """
        label = self.headers.get("content-type")
        if label is not None:
            self._refuse_other_media(label)
        try:
            body = await self.body()
        except ClientDisconnect:
            raise MalformedRequest("The body ended early.") from None
        if not body:
            return
        if label is None:
            raise UnsupportedMediaType("The body needs a Content-Type.")
        await self.json()

    def _refuse_other_media(self, label: str) -> None:
        accepted = (JSON, MERGE_PATCH) if self.method == "PATCH" else (JSON,)
        if not _is_utf8_media(label, accepted):
            raise UnsupportedMediaType(f"Accepted here: {' or '.join(accepted)}, in UTF-8.")
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("The body must not be compressed.")


def _is_utf8_media(label: str, accepted: tuple[str, ...]) -> bool:
    """Say whether a Content-Type is one of `accepted`, with no charset other than UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in label.split(";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")]
    return media_type in accepted and all(charset in {"utf-8", "utf8"} for charset in charsets)


class StrictRoute(APIRoute):
    """What every route begins with: a strict reading of its body.

    FastAPI turns whatever a body reader raises into one bare 400, so the body is read and kept before its
    handler runs; its own `await request.json()` then finds the value. Endpoints that declare a form or a body
    of another media type keep FastAPI's reading.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the strict reading."""
        handler = super().get_route_handler()
        if not _expects_json(self):
            return handler

        async def strict(request: Request) -> Response:
            strict_request = StrictRequest(request.scope, request.receive)
            if request.method in WRITES:
                await strict_request.admit()
            return await handler(strict_request)

        return strict


def _expects_json(route: APIRoute) -> bool:
    field = route.body_field
    if field is None or not isinstance(field.field_info, params.Body):
        return True
    return field.field_info.media_type == JSON
