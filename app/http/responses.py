"""How an endpoint's result becomes an answer: JSON made once, ETag, Location, Link, and a fitting end in the log."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from app.kit import idempotency as kept_answers
from app.schemas.wire import Page, Versioned

KEPT_HEADERS = ("etag", "location")


class JsonAnswer(Response):
    """JSON, already serialised; a page knows where the next one begins."""

    media_type = "application/json"
    next_cursor: str | None = None


def answer(result: Any, status: int) -> Response:
    """Turn what an endpoint returned into an answer."""
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status_code=204)
    made = JsonAnswer(_json(result), status)
    if isinstance(result, Versioned):
        made.headers["ETag"] = f'"{result.version}"'
        if status == 201 and result.collection:  # noqa: PLR2004 - created
            made.headers["Location"] = f"/v1/{result.collection}/{result.id}"
    if isinstance(result, Page):
        made.next_cursor = result.next_cursor
    return made


def cacheable(request: Request, result: BaseModel) -> Response:
    """Turn what everybody may know into an answer that caches may keep, or 304 where the caller has it."""
    body = _json(result)
    made = JsonAnswer(body)
    made.next_cursor = result.next_cursor if isinstance(result, Page) else None
    made.headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    made.headers["Cache-Control"] = "public, max-age=3600"
    made.headers["Vary"] = "Accept-Language"
    if _is_current(made.headers["ETag"], request.headers.get("if-none-match", "")):
        kept = {name: made.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
        return Response(status_code=304, headers=kept)
    return made


def _is_current(etag: str, if_none_match: str) -> bool:
    """Compare weakly (RFC 9110, 13.1.2): a proxy that compresses turns our ETag into a weak one."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def _json(result: BaseModel) -> bytes:
    if isinstance(result, Page):  # its items are models, or plain documents: both are written as they are
        return to_json({"items": result.items, "next_cursor": result.next_cursor})
    return result.__pydantic_serializer__.to_json(result)


def answering(endpoint: Callable[..., Awaitable[Any]], status: int) -> Callable[..., Awaitable[Response]]:
    """Have an endpoint answer what it returns."""

    @wraps(endpoint)
    async def respond(*args: Any, **kwargs: Any) -> Response:
        return answer(await endpoint(*args, **kwargs), status)

    return respond


def link(request: Request, response: Response) -> None:
    """Tell where the next page begins, if there is one."""
    cursor = getattr(response, "next_cursor", None)
    if cursor:
        query = urlencode({**request.query_params, "cursor": cursor})
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'


async def keep(request: Request, response: Response) -> None:
    """Keep the answer for a retry with the same key."""
    claim = getattr(request.state, "claim", None)
    if claim is not None:
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        kept = kept_answers.StoredResponse(response.status_code, headers, bytes(response.body).decode())
        await kept_answers.store_response(request.state.session, claim, kept)


def again(kept: kept_answers.StoredResponse) -> Response:
    """Return a kept answer, and say that it is one."""
    headers = {**kept.headers, "Idempotent-Replayed": "true"}
    return (
        JsonAnswer(kept.body, kept.status, headers)
        if kept.body
        else Response(status_code=kept.status, headers=headers)
    )
