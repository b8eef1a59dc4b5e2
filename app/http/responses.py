"""Build HTTP responses from the results of endpoints: JSON body, ETag, Location, Link, stored responses of retries."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import quote, urlencode

from fastapi import Request
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response

from app.kit import idempotency
from app.schemas.shown_once import remove_secrets
from app.schemas.wire import Page, TrustedOutput, Versioned

CREATED = (201, 202)
"""Statuses of the response to a request that created a record; 202 if a job completes it."""
STORED_HEADERS = ("etag", "location")
"""The headers that are stored with a response."""
SECRETS_OMITTED_HEADER = "Secrets-Omitted"
"""Header of a repeated response whose secrets are null, because only the first response contains them."""
_UNSAFE_FILE_NAME_CHARACTER = re.compile(r"[^A-Za-z0-9._ -]")


class SerializedJsonResponse(JSONResponse):
    """A response with a body that is already serialized."""

    next_cursor: str | None = None
    """The cursor of the next page, if the body is a page of a list and not the last page."""
    body_without_secrets: bytes | None = None
    """The body that a repeated request gets, if the body contains secrets that are shown once."""

    def render(self, content: bytes | str) -> bytes:
        """Return the body."""
        return content if isinstance(content, bytes) else content.encode()


class CacheableResponse(SerializedJsonResponse):
    """The response class of endpoints with public data, whose responses may be cached."""


class RevalidatedResponse(SerializedJsonResponse):
    """The response class of endpoints that may answer with 304, but whose responses must not be cached."""


def build_response(result: Any, status: int) -> Response:
    """Return the response for the result of an endpoint. A result that is a response is returned unchanged."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status_code=204)
    response = SerializedJsonResponse(_serialize(result), status)
    if isinstance(result, Versioned):
        response.headers["ETag"] = f'"{result.version}"'
        if status in CREATED and result.collection:
            response.headers["Location"] = f"/v1/{result.collection}/{result.id}"
    if isinstance(result, Page):
        response.next_cursor = result.next_cursor
    elif (redacted := remove_secrets(result)) is not None:
        response.body_without_secrets = _serialize(redacted)
    return response


def list_response_models(model: Any) -> tuple[Any, ...]:
    """Return the models of a response: one, or one per kind of caller."""
    if get_origin(model) is Annotated:  # a union with a discriminator
        model = get_args(model)[0]
    return get_args(model) if get_origin(model) in {Union, UnionType} else (model,)


def find_collection(model: Any) -> str | None:
    """Return the path segment of the records of a response model, such as `cases`, or None."""
    first = list_response_models(model)[0]
    return first.collection if isinstance(first, type) and issubclass(first, Versioned) else None


def build_cacheable_response(request: Request, result: BaseModel) -> Response:
    """Return a cacheable response, or a 304 if the client's copy is current."""
    body = _serialize(result)
    response = CacheableResponse(body)
    response.next_cursor = result.next_cursor if isinstance(result, Page) else None
    response.headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.headers["Vary"] = "Accept-Language"
    if _is_current(response.headers["ETag"], request.headers.get("if-none-match", "")):
        headers = {name: response.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
        return Response(status_code=304, headers=headers)
    return response


def build_revalidated_response(request: Request, response: Response) -> Response:
    """Return a 304 instead of a response with an ETag that the client has already."""
    etag = response.headers["ETag"]
    if _is_current(etag, request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers={"ETag": etag})
    return response


def _is_current(etag: str, if_none_match: str) -> bool:
    """Compare ETags weakly (RFC 9110, 13.1.2), because a proxy that compresses a response makes its ETag weak."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def _serialize(result: BaseModel) -> bytes:
    if isinstance(result, TrustedOutput):  # the model's serializer would warn about plain dictionaries
        return to_json(dict(result))
    return result.__pydantic_serializer__.to_json(result)


def with_response(endpoint: Callable[..., Awaitable[Any]], status: int) -> Callable[..., Awaitable[Response]]:
    """Wrap an endpoint so that its result becomes a response with `status`."""

    @wraps(endpoint)
    async def respond(*args: Any, **kwargs: Any) -> Response:
        return build_response(await endpoint(*args, **kwargs), status)

    return respond


def add_link_header(request: Request, response: Response) -> None:
    """Add the `Link` header with the URL of the next page, if there is one."""
    cursor = getattr(response, "next_cursor", None)
    if cursor:
        others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*others, ("cursor", cursor)])
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'


def keep_response_for_retries(request: Request, response: Response) -> None:
    """Keep the response, without secrets, for `app.http.session`, which stores it if the request has an Idempotency-Key."""
    if hasattr(request.state, "claim"):
        headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
        body = getattr(response, "body_without_secrets", None)
        if body is not None:
            headers[SECRETS_OMITTED_HEADER] = "true"
        request.state.stored_response = idempotency.StoredResponse(
            response.status_code, headers, bytes(response.body if body is None else body).decode()
        )


def replay_response(stored: idempotency.StoredResponse) -> Response:
    """Return a stored response, with the header `Idempotent-Replayed`."""
    headers = {**stored.headers, "Idempotent-Replayed": "true"}
    if stored.body:
        return SerializedJsonResponse(stored.body, stored.status, headers)
    return Response(status_code=stored.status, headers=headers)


def describe_attachment(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of a response that is a file of one of the media types."""
    content = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"content": dict.fromkeys(media_types, content)}}


def build_attachment_response(name: str, media_type: str, content: bytes) -> Response:
    """Return a response that a browser saves as a file.

    The header contains the file name in ASCII for old clients and in UTF-8 for other clients (RFC 6266, RFC 8187). The
    security headers of all responses keep a browser from guessing the type, running the file or caching it.
    """
    file_names = (
        f"filename=\"{_UNSAFE_FILE_NAME_CHARACTER.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return Response(
        content, headers={"Content-Disposition": f"attachment; {file_names}"}, media_type=media_type
    )
