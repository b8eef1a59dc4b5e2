"""Validation that keeps a document whose optional values are imperfect.

A value that cannot be read is removed from the document and kept as it was sent, with the error as a warning. A value of
another type, an unknown field and a text that is too long stay errors: they are mistakes of a program, which its first
test finds.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from app.errors import Fault
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.schemas.validation_faults import convert_error
from app.text_folding import normalize_text

ModelT = TypeVar("ModelT")
Path = tuple[str | int, ...]

SOFT_ERROR_TYPES: Final = frozenset({
    *("blank", "literal_error", "enum", "missing", "too_short", "string_too_short", "string_pattern_mismatch"),
    *("greater_than", "greater_than_equal", "less_than", "less_than_equal", "date_parsing", "date_too_early"),
    *("date_from_datetime_parsing", "date_from_datetime_inexact", "date_in_future", "date_too_late"),
    *("date_buddhist_era", "name_empty", "birth_form", "ages_reversed"),
})  # fmt: skip
"""Error types about the value of a field. All others are errors of the program that sent it."""
CODE_ERROR_TYPES: Final = frozenset({"literal_error", "enum"})
"""Error types of a value that is not one of several texts. A value of another type has them too."""
DERIVED_ERROR_TYPE: Final = "default_factory_not_called"
"""Error type of a field whose default needs another field that has an error of its own."""
MAX_PASSES: Final = 8
"""Maximum number of validations. Each removes values, so that an object can lack a field in the next one."""
MAX_VALUE_LENGTH: Final = 2_000
"""Maximum number of characters of a kept value."""


@dataclass(frozen=True, slots=True)
class UnreadValue:
    """A value that was removed, as a text, and the warning about it."""

    warning: Fault
    value: str


def validate_softly(
    validate: Callable[[Any], ModelT], document: Any, required: frozenset[Path]
) -> tuple[ModelT, list[UnreadValue]]:
    """Validate a document without its imperfect values, and return the values that were removed.

    `required` contains the paths of the values and objects without which there is no document.

    Raises:
        ValidationError: an error is not soft, or a required value is missing or imperfect.
    """
    unread: list[UnreadValue] = []
    remaining = document
    for _ in range(MAX_PASSES):
        try:
            return validate(remaining), unread
        except ValidationError as error:
            faults = [item for item in error.errors(include_url=False) if item["type"] != DERIVED_ERROR_TYPE]
            targets = [_find_target(item, remaining) for item in faults]
            if any(target is None or target in required for target in targets):
                raise
        for item, target in zip(faults, targets, strict=True):
            unread.extend(_describe(item, target or (), remaining))
        remaining = _remove(remaining, {target for target in targets if target})
    return validate(remaining), unread


def _find_target(error: Mapping[str, Any], document: Any) -> Path | None:
    """Return the path of the value that must be removed because of an error, or None if the error is not soft.

    An object without a required field is removed as a whole. Null and an empty text mean that a value is absent,
    whatever its type.
    """
    path, node = _walk(error["loc"], document)
    is_absent = node is None or node == ""
    is_other_type = error["type"] in CODE_ERROR_TYPES and not isinstance(node, str)
    is_soft = error["type"] in SOFT_ERROR_TYPES and not is_other_type
    return path if is_soft or is_absent else None


def _walk(location: Sequence[str | int], document: Any) -> tuple[Path, Any]:
    """Return the part of a location that exists in the document, and the value there."""
    path: list[str | int] = []
    node = document
    for step in location:
        if (isinstance(node, dict) and step in node) or (
            isinstance(node, list) and isinstance(step, int) and step < len(node)
        ):
            path.append(step)
            node = node[step]  # type: ignore[index]  # the step exists in this list or object
    return tuple(path), node


def _describe(error: Mapping[str, Any], target: Path, document: Any) -> Iterator[UnreadValue]:
    _, value = _walk(target, document)
    if value is None or (isinstance(value, str) and not normalize_text(value)):
        return
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    fault = convert_error({**error, "loc": ("body", *error["loc"])}, document, VALIDATION_MESSAGES)
    yield UnreadValue(fault, text[:MAX_VALUE_LENGTH])


def _remove(document: Any, targets: set[Path]) -> Any:
    """Return a copy of the document without the values at the paths. Later items of a list are removed first."""
    remaining = copy.deepcopy(document)
    for target in sorted(
        targets, key=lambda path: (len(path), path[-1] if isinstance(path[-1], int) else -1), reverse=True
    ):
        parent_path, node = _walk(target[:-1], remaining)
        if len(parent_path) == len(target) - 1:
            if isinstance(node, dict):
                node.pop(target[-1], None)
            elif isinstance(node, list):
                del node[target[-1]]  # type: ignore[arg-type]  # the step into a list is an index
    return remaining
