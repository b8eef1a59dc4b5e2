"""Validation that accepts a document whose optional values are imperfect, with a warning about each of them.

A value of another form is converted if its meaning is certain (`app.schemas.value_conversion`). A text or a list that is
too long is cut. Any other value with an error is removed, and so is an unknown field. The value as it was sent is kept with
the warning, so that nothing is lost. The document is rejected only if a required value has an error.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from app.errors import Fault
from app.fault_codes import FaultCode
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.schemas.validation_faults import convert_error
from app.schemas.value_conversion import REMOVED, Conversion, convert_value
from app.schemas.warnings import build_warning
from app.text_folding import is_blank

ModelT = TypeVar("ModelT")
Path = tuple[str | int, ...]

DERIVED_ERROR_TYPE: Final = "default_factory_not_called"
"""Error type of a field whose default needs another field that is invalid itself."""
UNKNOWN_FIELD: Final = "extra_forbidden"
CONVERTED: Final[FaultCode] = "value_converted"
MAX_PASSES: Final = 30
"""Maximum number of validations. Each one can remove values, so that the next one finds other errors."""
MAX_UNREAD_VALUES: Final = 200
"""Maximum number of values with a warning. A document with more of them is refused."""


@dataclass(frozen=True, slots=True)
class UnreadValue:
    """A value that was removed, cut or converted, as it was sent, and the warning about it."""

    warning: Fault
    value: str


def validate_leniently(
    validate: Callable[[Any], ModelT], document: Any, *, required: frozenset[Path], exact: frozenset[Path]
) -> tuple[ModelT, list[UnreadValue]]:
    """Validate a document without its imperfect values, and return the values that were removed, cut or converted.

    A document without such values is validated once, and not copied.

    `required` contains the paths of the values and objects that are never removed, `exact` of those that are not converted
    or cut either.

    Raises:
        ValidationError: Such a value is missing or imperfect, or too many values are imperfect.
    """
    try:
        return validate(document), []
    except ValidationError:
        lenient = _LenientDocument(document, required, exact)
    for _ in range(MAX_PASSES):
        try:
            return validate(_strip(lenient.remaining)), lenient.list_unread_values()
        except ValidationError as error:
            if error.error_count() > MAX_UNREAD_VALUES:
                raise
            faults = [item for item in error.errors(include_url=False) if item["type"] != DERIVED_ERROR_TYPE]
            if not lenient.repair(faults):
                raise
    return validate(_strip(lenient.remaining)), lenient.list_unread_values()


class _LenientDocument:
    """A document whose imperfect values are replaced.

    A removed item of a list leaves an empty place, so that the indexes of the other items do not change.
    """

    def __init__(self, document: Any, required: frozenset[Path], exact: frozenset[Path]) -> None:
        self.remaining = _strip(document)
        self._document = document
        self._required = required | exact
        self._exact = exact
        self._unread: dict[Path, list[UnreadValue]] = {}
        self._converted: dict[Path, Any] = {}
        """The value as it was sent of each path that was converted or cut."""

    def list_unread_values(self) -> list[UnreadValue]:
        """Return the values that were removed, cut or converted."""
        return [unread for values in self._unread.values() for unread in values]

    def repair(self, errors: Sequence[Mapping[str, Any]]) -> bool:
        """Change each value with an error. Return False if the document must be refused."""
        located = [(error, *_locate(error["loc"], self.remaining)) for error in errors]
        changed: set[Path] = set()
        for error, path, location in located:
            if any(path[:length] in changed for length in range(len(path) + 1)):
                continue
            target = self._repair_value({**error, "loc": ("body", *location)}, path)
            if target is None:
                return False
            changed.add(target)
        return len(self._unread) <= MAX_UNREAD_VALUES

    def _repair_value(self, error: Mapping[str, Any], path: Path) -> Path | None:
        """Convert, cut or remove the value at a path. Return the path of the change, or None if it is not permitted."""
        parent, key = self._get_parent(path)
        value = _get_value(path, self.remaining)
        can_convert = bool(path) and path not in self._exact and path not in self._converted
        conversion = (
            convert_value(error, value, parent, key) if can_convert and not _is_absent(value) else None
        )
        origins = [path[:length] for length in range(len(path) + 1) if path[:length] in self._converted]
        if conversion:
            self._apply(conversion, error, path, is_nested=bool(origins))
            return path
        # A converted value that is still not valid is removed as a whole.
        target = origins[0] if origins else path
        if target in self._required or not target:
            return None
        sent = self._converted.get(target, value)
        self._unread.pop(target, None)
        if not _is_absent(sent) and not self._is_emptied(target, sent):
            self._unread.setdefault(target, []).append(self._describe(error, target, sent))
        parent, key = self._get_parent(target)
        parent[key] = REMOVED
        return target

    def _apply(
        self, conversion: Conversion, error: Mapping[str, Any], path: Path, *, is_nested: bool
    ) -> None:
        parent, _ = self._get_parent(path)
        self._converted[path] = _get_value(path, self.remaining)
        for name, value in conversion.changes.items():
            parent[name] = value
        if not is_nested:
            unread = self._describe(error, path, conversion.kept)
            if not conversion.is_cut:
                unread = UnreadValue(build_warning(unread.warning.pointer or "", CONVERTED), unread.value)
            self._unread[path] = [unread]

    def _get_parent(self, path: Path) -> tuple[Any, Any]:
        return (_get_value(path[:-1], self.remaining), path[-1]) if path else (None, None)

    def _is_emptied(self, path: Path, value: Any) -> bool:
        """Return whether an object has lost all its fields, each with a separate warning."""
        is_container = isinstance(value, dict | list) and path not in self._converted
        return is_container and not _strip(value) and bool(value)

    def _describe(self, error: Mapping[str, Any], path: Path, value: Any) -> UnreadValue:
        fault = convert_error(error, self._document, VALIDATION_MESSAGES)
        sent = _strip(value)
        is_hidden_name = error["type"] == UNKNOWN_FIELD and not (fault.pointer or "").endswith(f"/{path[-1]}")
        if is_hidden_name:  # the pointer does not contain the name, because it can be personal data
            sent = {path[-1]: sent}
        return UnreadValue(fault, sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False))


def _locate(location: Sequence[str | int], document: Any) -> tuple[Path, Path]:
    """Return the part of a location that exists in the document, and the location, with the indexes of the document.

    The location comes from the validation of the stripped document.
    """
    steps: list[str | int] = []
    node = document
    for number, step in enumerate(location):
        actual = _find_step(node, step)
        if actual is None:
            return tuple(steps), (*steps, *location[number:])
        steps.append(actual)
        node = node[actual]
    return tuple(steps), tuple(steps)


def _find_step(node: Any, step: str | int) -> str | int | None:
    if isinstance(node, dict):
        return step if node.get(step, REMOVED) is not REMOVED else None
    if isinstance(node, list) and isinstance(step, int):
        indexes = [index for index, item in enumerate(node) if item is not REMOVED]
        return indexes[step] if step < len(indexes) else None
    return None


def _get_value(path: Path, document: Any) -> Any:
    node = document
    for step in path:
        node = node[step]
    return node


def _strip(node: Any) -> Any:
    """Return a deep copy of a document without removed values."""
    if isinstance(node, dict):
        return {key: _strip(value) for key, value in node.items() if value is not REMOVED}
    if isinstance(node, list):
        return [_strip(item) for item in node if item is not REMOVED]
    return node


def _is_absent(value: Any) -> bool:
    """Return whether a value is null or a blank text, which mean that the field is absent."""
    return value is None or (isinstance(value, str) and is_blank(value))
