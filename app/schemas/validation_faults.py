"""Converts Pydantic's validation errors to faults with a pointer, a code and a message, but no input values."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

from app.errors import Fault
from app.fault_codes import FAULT_CODES, FaultCode

MAX_FAULTS = 100
"""Maximum number of faults in one response."""

MAX_DETAIL_LENGTH = 600

GENERIC_MESSAGE: Final = "The value is not valid."

PYDANTIC_MESSAGES: Final[dict[FaultCode, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "Unknown field.",
    "invalid_key": "Keys must be strings.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "dataclass_type": "Must be an object.",
    "dict_type": "Must be an object.",
    "mapping_type": "Must be an object.",
    "list_type": "Must be an array.",
    "tuple_type": "Must be an array.",
    "set_type": "Must be an array.",
    "frozen_set_type": "Must be an array.",
    "too_short": "Must have at least {min_length} items.",
    "too_long": "Must have at most {max_length} items.",
    "none_required": "Must be null.",
    "string_type": "Must be a string.",
    "string_unicode": "Must be a valid Unicode string.",
    "string_too_short": "Must have at least {min_length} characters.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_pattern_mismatch": "Does not match the required pattern.",
    "string_not_ascii": "Must contain only ASCII characters.",
    "bytes_type": "Must be a string.",
    "bytes_too_short": "Must have at least {min_length} bytes.",
    "bytes_too_long": "Must have at most {max_length} bytes.",
    "enum": "Must be one of: {expected}.",
    "literal_error": "Must be one of: {expected}.",
    "union_tag_invalid": "Must be one of: {expected_tags}.",
    "union_tag_not_found": "The field that selects the kind of object is missing.",
    "bool_type": "Must be true or false.",
    "bool_parsing": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "int_parsing_size": "Must be a whole number of at most 64 bits.",
    "int_from_float": "Must be a whole number.",
    "float_type": "Must be a number.",
    "float_parsing": "Must be a number.",
    "finite_number": "Must be a finite number.",
    "greater_than": "Must be greater than {gt}.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than": "Must be less than {lt}.",
    "less_than_equal": "Must be at most {le}.",
    "multiple_of": "Must be a multiple of {multiple_of}.",
    "decimal_type": "Must be a decimal number in a string.",
    "decimal_parsing": "Must be a decimal number in a string.",
    "decimal_max_digits": "Must have at most {max_digits} digits.",
    "decimal_max_places": "Must have at most {decimal_places} decimal places.",
    "decimal_whole_digits": "Must have at most {whole_digits} digits before the decimal point.",
    "date_type": "Must be a date, YYYY-MM-DD.",
    "date_parsing": "Must be a date, YYYY-MM-DD.",
    "date_from_datetime_parsing": "Must be a date, YYYY-MM-DD.",
    "date_from_datetime_inexact": "Must be a date without a time.",
    "date_past": "Must be in the past.",
    "date_future": "Must be in the future.",
    "time_type": "Must be a time, HH:MM:SS.",
    "time_parsing": "Must be a time, HH:MM:SS.",
    "datetime_type": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_parsing": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_object_invalid": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_from_date_parsing": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_past": "Must be in the past.",
    "datetime_future": "Must be in the future.",
    "timezone_naive": "Must not contain a time zone.",
    "timezone_aware": "Must contain a time zone: UTC with the suffix Z.",
    "timezone_offset": "Must be in UTC, with the suffix Z.",
    "uuid_type": "Must be a UUID.",
    "uuid_parsing": "Must be a UUID.",
    "uuid_version": "Must be a UUID of version {expected_version}.",
    "url_type": "Must be a URL.",
    "url_parsing": "Must be a URL.",
    "url_syntax_violation": "Must be a URL.",
    "url_too_long": "Must have at most {max_length} characters.",
    "url_scheme": "Must be a URL that starts with one of: {expected_schemes}.",
    "recursion_depth_exceeded": "Must be nested less deeply.",
}
"""The message of each of Pydantic's error types. Names in braces are replaced by the limits of the schema."""

VALIDATION_MESSAGES: Final[dict[FaultCode, str]] = {
    "blank": "Must not be blank.",
    "id_not_random": "Must be a random UUID (version 4).",
    "too_precise": "Must have at most two decimal places.",
    "name_empty": "A family name or a given name is required.",
    "name_missing": "At least one name or a nickname is required.",
    "birth_form": "Give either date and precision, or estimated_age and estimated_on.",
    "date_too_early": "Must be in 1900 or later.",
    "consent_missing": "Give given_by, method, on and scope, or basis_without_consent.",
    "consent_incomplete": "Give given_by and method, or basis_without_consent.",
    "period_reversed": "Must not end before it begins.",
    "safeguarding_unchecked": "safeguarding_valid_until requires safeguarding_checked_on.",
    "consent_or_basis": "Give either consent_id or basis_without_consent.",
    "not_both": "Give either password or code.",
    "mood_form": "Give either value and of, with value at most of, or words.",
    "form_without_therapy": "Only a session of the kind `therapy` has a form.",
    "undated": "Give planned_at or held_at.",
    "held_form": "held_at is required for a held session and not allowed for any other.",
    "missed_form": "planned_at and missed_reason are required for a missed session. missed_reason is not allowed for any other.",
    "riel_broken": "Amounts in riel must be whole numbers.",
    "amount_zero": "Must be greater than zero.",
    "lines_unfit": "Each line must be for one of the categories of the fund, and each category can have one line.",
    "ages_reversed": "oldest must not be less than youngest.",
    "currency_other": "Must be in the same currency.",
    "reason_missing": "A reason is required for an area without a need.",
    "sort_with_q": "`q` determines the order. Give either `q` or `sort`.",
    "value_empty": "Must not contain an empty value. Separate the values by single commas.",
}
"""The message of each error code that this project's schemas raise."""

_SCHEMA_CONTEXT_KEYS: Final = frozenset({
    *("min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "max_digits", "decimal_places"),
    *("whole_digits", "expected", "expected_tags", "expected_version", "expected_schemes"),
})  # fmt: skip
"""Entries of Pydantic's `ctx` that come from the schema. All other entries may contain input."""

_FIELD_PATTERN = re.compile(r"[a-z_]{1,64}")
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
    messages = {**PYDANTIC_MESSAGES, **(own_messages or {})}
    faults: dict[tuple[str, str], Fault] = {}
    codes_of_absent_fields: set[FaultCode] = {"missing", *(own_messages or {})}
    for error in errors:
        fault = _convert_error(error, body, messages, codes_of_absent_fields)
        faults.setdefault((fault.pointer or "", fault.code), fault)
        if len(faults) == MAX_FAULTS:
            break
    return list(faults.values())


def _convert_error(
    error: Mapping[str, Any],
    body: Any,
    messages: Mapping[FaultCode, str],
    codes_of_absent_fields: Container[FaultCode],
) -> Fault:
    code = get_fault_code(error["type"])
    location, *path = error["loc"] or ("body",)
    pointer = (
        _build_body_pointer(path, body, last_step_may_be_absent=code in codes_of_absent_fields)
        if location == "body"
        else _build_parameter_pointer(str(location), path, code)
    )
    return Fault(pointer, code, _format_message(code, error.get("ctx") or {}, messages))


def _format_message(code: FaultCode, context: Mapping[str, Any], messages: Mapping[FaultCode, str]) -> str:
    limits = {key: value for key, value in context.items() if key in _SCHEMA_CONTEXT_KEYS}
    try:
        return messages.get(code, GENERIC_MESSAGE).format_map(limits)[:MAX_DETAIL_LENGTH]
    except (KeyError, ValueError, IndexError):
        return GENERIC_MESSAGE


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
