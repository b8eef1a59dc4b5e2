"""Converts Pydantic's validation errors to faults with a pointer, a code and a message, but no input values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.errors import Fault
from app.fault_codes import FAULT_CODES, FaultCode
from app.schemas.fault_messages import GENERIC_MESSAGE, PYDANTIC_MESSAGES, format_message

MAX_FAULTS = 100
"""Maximum number of faults in one response."""
MAX_ERRORS = 1_000
"""Maximum number of errors that are converted. Many errors can have the same pointer and code."""

_ALLOWED_VALUES_KEYS: Final = frozenset({"expected", "expected_tags"})
_LIMIT_KEYS: Final = frozenset({
    *("min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "max_digits", "decimal_places"),
    *("whole_digits", "earliest", "latest", "expected_version", "expected_schemes"),
})  # fmt: skip
"""Entries of Pydantic's `ctx` that come from the schema. All but these and the allowed values may contain input."""

_SEPARATOR_PATTERN = re.compile(", | or ")
_FIELD_PATTERN = re.compile(r"[a-z_]{1,64}|(?:phone_)?e164")
"""Names of fields, and no others with digits: a key may be a telephone number."""
_PARAMETER_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def get_fault_code(error_type: str) -> FaultCode:
    """Return the fault code of an error type of Pydantic or of the schemas; `invalid` for an unknown one."""
    return FAULT_CODES.get(error_type, "invalid")


def convert_validation_errors(
    errors: Sequence[Mapping[str, Any]], body: Any, own_messages: Mapping[FaultCode, str] | None = None
) -> list[Fault]:
    """Return one fault for each pointer and code among Pydantic's `errors` about `body`.

    `own_messages` maps the error codes that the schemas raise (`PydanticCustomError`) to their messages.
    """
    faults: dict[tuple[str, str], Fault] = {}
    for error in errors[:MAX_ERRORS]:
        fault = convert_error(error, body, own_messages or {})
        faults.setdefault((fault.pointer or "", fault.code), fault)
        if len(faults) == MAX_FAULTS:
            break
    return list(faults.values())


def convert_error(error: Mapping[str, Any], body: Any, own_messages: Mapping[FaultCode, str]) -> Fault:
    """Return the fault for one of Pydantic's errors about `body`. See `convert_validation_errors`."""
    messages = {**PYDANTIC_MESSAGES, **own_messages}
    codes_of_absent_fields: set[FaultCode] = {"missing", *own_messages}
    code = get_fault_code(error["type"])
    location, *path = error["loc"] or ("body",)
    pointer = (
        _build_body_pointer(path, body, last_step_may_be_absent=code in codes_of_absent_fields)
        if location == "body"
        else _build_parameter_pointer(str(location), path, code)
    )
    params = _get_params(error.get("ctx") or {})
    return Fault(pointer, code, format_message(messages.get(code, GENERIC_MESSAGE), params), params)


def _get_params(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the violated rule. Pydantic formats the allowed values as text: `'day', 'month' or 'year'`."""
    params: dict[str, Any] = {}
    for key, value in context.items():
        if key in _ALLOWED_VALUES_KEYS:
            params["allowed"] = [text.strip("'") for text in _SEPARATOR_PATTERN.split(value)]
        elif key in _LIMIT_KEYS:
            params[key] = value if isinstance(value, int | float) else str(value)
    return params


def _build_parameter_pointer(location: str, path: Sequence[str | int], code: FaultCode) -> str:
    """Return a pointer such as `query:limit`.

    The name of an undeclared parameter may be any text from the client. It is included only if it is in snake_case.
    """
    if not path:
        return location
    name = str(path[0])
    allowed = _FIELD_PATTERN if code == "extra_forbidden" else _PARAMETER_PATTERN
    if not allowed.fullmatch(name):
        return location
    if location == "header":
        name = "-".join(part.capitalize() for part in name.split("-"))
    return f"{location}:{name}"


def _build_body_pointer(path: Sequence[str | int], body: Any, *, last_step_may_be_absent: bool) -> str:
    """Return the JSON pointer (RFC 6901) of `path` in `body`; the empty pointer is the whole body.

    The last step may name a field that the body does not contain only if the fault is about an absent field.
    """
    return "".join(
        f"/{step}"
        for step in _iter_pointer_steps(path, body, last_step_may_be_absent=last_step_may_be_absent)
    )


def _iter_pointer_steps(
    path: Sequence[str | int], body: Any, *, last_step_may_be_absent: bool
) -> Iterator[str | int]:
    """Yield the steps of `path` that exist in `body`.

    Pydantic inserts the names of a union's members into the path. Those steps do not exist in the body and are skipped.
    A key that is not in snake_case may be any text from the client. The pointer ends before it.
    """
    node = body
    for number, step in enumerate(path, start=1):
        if _contains_step(node, step):
            if isinstance(step, str) and not _FIELD_PATTERN.fullmatch(step):
                return
            node = node[step]
            yield step
        elif (
            last_step_may_be_absent
            and number == len(path)
            and isinstance(node, dict)
            and _FIELD_PATTERN.fullmatch(str(step))
        ):
            yield step


def _contains_step(node: Any, step: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and 0 <= step < len(node)
    return isinstance(node, dict) and step in node
