"""Collect the ids that a rejected request contains, for the access log."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect

from app.errors import FirstStepError
from app.http.json_body import WRITES, parse

MAX_IDS = 1_000
"""Maximum number of ids of one request in the access log. A valid body has fewer."""
ID_LENGTHS = range(32, 46)
"""Lengths of the forms of a UUID: 32 digits, with hyphens, in braces, or as a URN."""


async def collect_record_ids(request: Request) -> list[UUID]:
    """Return the distinct ids in the path, the query and the JSON body of a request, in this order."""
    ids: dict[UUID, None] = {}
    for text in _list_texts(request, await _get_body(request)):
        if (record_id := _parse_id(text)) is not None:
            ids[record_id] = None
            if len(ids) == MAX_IDS:
                break
    return list(ids)


def _list_texts(request: Request, body: Any) -> Iterator[str]:
    yield from request.path_params.values()
    for _, value in request.query_params.multi_items():
        yield from value.split(",")
    waiting = [body]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(reversed([*item, *item.values()]))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _parse_id(text: str) -> UUID | None:
    if len(text) not in ID_LENGTHS:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


async def _get_body(request: Request) -> Any:
    """Return the JSON of the body. Return None if the body is missing or is not valid JSON.

    A request can be rejected before its body is read, for example because of an unknown query parameter.
    """
    if request.method not in WRITES or getattr(request.state, "is_body_read", False):
        return getattr(request.state, "json_body", None)
    try:
        return parse(await request.body())
    except (FirstStepError, ClientDisconnect):
        return None
