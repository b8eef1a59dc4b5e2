"""Paths of values in JSON documents, and documents with one value changed."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.support.referrals import FULL_REFERRAL_PAYLOAD

Path = tuple[str | int, ...]
"""The keys and indexes of a value."""


def paths(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the value of every node below the root of a document."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    for step, value in inside:
        yield (*path, step), value
        if isinstance(value, dict | list):
            yield from paths(value, (*path, step))


def pointer(path: Path) -> str:
    """Return the JSON pointer of a path."""
    return "".join(f"/{step}" for step in path)


def get_parent(document: Any, path: Path) -> Any:
    """Return the object or the list that contains the value at a path."""
    for step in path[:-1]:
        document = document[step]
    return document


def changed(value: Any, *places: Path, full: dict[str, Any] = FULL_REFERRAL_PAYLOAD) -> dict[str, Any]:
    """Return a copy of a document with a value at some places."""
    document = copy.deepcopy(full)
    for path in places:
        get_parent(document, path)[path[-1]] = value
    return document
