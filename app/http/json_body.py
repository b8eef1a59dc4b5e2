"""Strict parsing of JSON request bodies (RFC 8259 and I-JSON, RFC 7493).

Python's parser accepts input that PostgreSQL rejects or that other parsers read differently. This module rejects it:
duplicate keys, NaN, infinities, lone surrogates, U+0000, deep nesting, and numbers that do not fit into 64 bits. It also
rejects bodies with too many keys, arrays or objects.
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
from app.fault_codes import FaultCode

MAX_DEPTH = 32
"""Maximum nesting of arrays and objects. The deepest body of this API has seven levels."""
MAX_KEYS = 500
"""Maximum number of keys of an object. Each unknown key is a validation error, and tens of thousands of them occupy a worker
for half a minute."""
MAX_CONTAINERS = 5_000
"""Maximum number of arrays and objects in a body. Each is validated by itself, and 200,000 of them occupy a worker for three
seconds."""

INT64_DIGITS = 20
INT64 = range(-(2**63), 2**63)

WRITES = frozenset({"POST", "PUT", "PATCH"})
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_BRACES_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def _build_malformed_error(code: FaultCode, detail: str) -> MalformedRequest:
    """Return the error. Its pointer is the whole body, because the name of a key may contain personal data."""
    error = MalformedRequest(detail)
    error.faults = (Fault("", code, detail),)
    return error


def parse(body: bytes) -> Any:
    """Parse the JSON in `body`.

    Raises:
        MalformedRequest: the body is not exactly one strict JSON value in UTF-8.
    """
    if not body:
        raise _build_malformed_error("body_missing", "The body must not be empty.")
    text = _decode(body)
    _validate_structure(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _build_malformed_error("json_invalid", f"The body is not valid JSON ({where}).") from None
    except RecursionError:
        raise _build_too_deep_error() from None
    if _SUSPECT_ESCAPE.search(body):
        _validate_strings(value)
    return value


def _decode(body: bytes) -> str:
    """Decode UTF-8 without a byte order mark."""
    if body.startswith(b"\xef\xbb\xbf"):
        raise _build_malformed_error("byte_order_mark", "The body must not start with a byte order mark.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _build_malformed_error("not_utf8", "The body must be UTF-8.") from None


def _build_too_deep_error() -> MalformedRequest:
    return _build_malformed_error(
        "too_deep", f"Arrays and objects may be nested at most {MAX_DEPTH} levels deep."
    )


def _validate_structure(body: bytes) -> None:
    """Validate the depth, and the number of arrays and objects, in linear time.

    Raises:
        MalformedRequest: the depth exceeds `MAX_DEPTH`, or the number exceeds `MAX_CONTAINERS`.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    nest = outside_strings.translate(_BRACES_TO_BRACKETS, delete=_NOT_BRACKETS)
    containers = nest.count(b"[")
    for _ in range(MAX_DEPTH):  # each pass removes the innermost level
        nest = nest.replace(b"[]", b"")
    if b"[]" in nest:
        raise _build_too_deep_error()
    if containers > MAX_CONTAINERS:
        raise _build_malformed_error(
            "too_many", f"A body may contain at most {MAX_CONTAINERS} arrays and objects."
        )


def _validate_strings(value: Any) -> None:
    """Raise `MalformedRequest` if a string or key contains U+0000 or a lone surrogate, which cannot be stored."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if unstorable := _UNSTORABLE.search(item):
                raise _build_unstorable_error(unstorable[0])
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _build_unstorable_error(character: str) -> MalformedRequest:
    if character == "\x00":
        return _build_malformed_error(
            "nul_character", "A string must not contain U+0000. Save a file in UTF-16 as UTF-8 first."
        )
    return _build_malformed_error("lone_surrogate", "A string must not contain a lone surrogate.")


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise _build_malformed_error("too_many", f"An object may have at most {MAX_KEYS} keys.")
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _build_malformed_error("duplicate_key", "An object must not contain a key twice.")
    return members


def _parse_integer(digits: str) -> int:
    if len(digits) > INT64_DIGITS or (number := int(digits)) not in INT64:
        raise _build_malformed_error("number_too_large", "An integer must fit into 64 bits.")
    return number


def _parse_number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _build_malformed_error("number_too_large", "A number must fit into a 64-bit float.")
    return number


def _reject_constant(_name: str) -> Any:
    raise _build_malformed_error("json_invalid", "NaN and Infinity are not valid JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_parse_object,
    parse_int=_parse_integer,
    parse_float=_parse_number,
    parse_constant=_reject_constant,
)


class StrictRequest(Request):
    """A request whose body is parsed as strict JSON."""

    async def json(self) -> Any:
        """Return the parsed body. The body is parsed only once, and kept for the access log.

        Raises:
            MalformedRequest: see `parse`.
        """
        if not hasattr(self, "_json"):
            self._json = self.state.json_body = parse(await self.body())
        return self._json

    async def validate_body(self) -> None:
        """Validate the media type and the JSON of the body. FastAPI itself rejects a missing body.

        Raises:
            UnsupportedMediaType: the headers do not declare uncompressed JSON in UTF-8. Content-Type is required,
                because browsers send other types without a CORS preflight (ASVS V3.5.2).
            MalformedRequest: see `parse`.
        """
        content_type = self.headers.get("content-type")
        if content_type is not None:
            self._validate_media_type(content_type)
        self.state.is_body_read = True
        try:
            body = await self.body()
        except ClientDisconnect:
            raise MalformedRequest("The body is incomplete.") from None
        if not body:
            return
        if content_type is None:
            raise UnsupportedMediaType("A body requires a Content-Type.")
        await self.json()

    def _validate_media_type(self, content_type: str) -> None:
        accepted = (JSON, MERGE_PATCH) if self.method == "PATCH" else (JSON,)
        if not _is_utf8_media(content_type, accepted):
            raise UnsupportedMediaType(f"The Content-Type must be {' or '.join(accepted)}, in UTF-8.")
        if self.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("The body must not be compressed.")


def _is_utf8_media(content_type: str, accepted: tuple[str, ...]) -> bool:
    """Return whether a Content-Type is one of `accepted`, without a charset or with the charset UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if part.startswith("charset")]
    return media_type in accepted and all(charset in {"utf-8", "utf8"} for charset in charsets)


class StrictRoute(APIRoute):
    """A route that parses its body as strict JSON.

    FastAPI turns every exception that occurs while it reads a body into a 400 without details. The body is therefore
    parsed before FastAPI's handler runs, which then gets the parsed value from `request.json()`. Forms and bodies of
    other media types are parsed by FastAPI.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return a handler that validates the body and then calls FastAPI's handler."""
        handler = super().get_route_handler()
        if not _expects_json(self):
            return handler

        async def strict(request: Request) -> Response:
            strict_request = StrictRequest(request.scope, request.receive)
            if request.method in WRITES:
                await strict_request.validate_body()
            return await handler(strict_request)

        return strict


def _expects_json(route: APIRoute) -> bool:
    field = route.body_field
    if field is None or not isinstance(field.field_info, params.Body):
        return True
    return field.field_info.media_type == JSON
