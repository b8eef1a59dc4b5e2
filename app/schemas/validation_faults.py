"""Pydantic's findings, told in our words: where, which rule, and never what was sent."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

from app.errors import Fault

MAX_FAULTS = 100
"""Faults told in one answer."""

MAX_DETAIL_LENGTH = 600

GENERIC_MESSAGE: Final = "This value is not acceptable here."

PYDANTIC_MESSAGES: Final[dict[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known here.",
    "invalid_key": "Keys must be texts.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "dataclass_type": "Must be an object.",
    "dict_type": "Must be an object.",
    "mapping_type": "Must be an object.",
    "list_type": "Must be a list.",
    "tuple_type": "Must be a list.",
    "set_type": "Must be a list.",
    "frozen_set_type": "Must be a list.",
    "too_short": "Must have at least {min_length} items.",
    "too_long": "Must have at most {max_length} items.",
    "none_required": "Must be null.",
    "string_type": "Must be a text.",
    "string_unicode": "Must be a text in Unicode.",
    "string_too_short": "Must have at least {min_length} characters.",
    "string_too_long": "Must have at most {max_length} characters.",
    "string_pattern_mismatch": "Does not have the expected form.",
    "string_not_ascii": "Must hold ASCII characters only.",
    "bytes_type": "Must be a text.",
    "bytes_too_short": "Must have at least {min_length} bytes.",
    "bytes_too_long": "Must have at most {max_length} bytes.",
    "enum": "Must be one of: {expected}.",
    "literal_error": "Must be one of: {expected}.",
    "union_tag_invalid": "Must be one of: {expected_tags}.",
    "union_tag_not_found": "The field that tells the kind is missing.",
    "bool_type": "Must be true or false.",
    "bool_parsing": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "int_parsing_size": "Must be a whole number of 64 bits.",
    "int_from_float": "Must be a whole number.",
    "float_type": "Must be a number.",
    "float_parsing": "Must be a number.",
    "finite_number": "Must be a finite number.",
    "greater_than": "Must be greater than {gt}.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than": "Must be less than {lt}.",
    "less_than_equal": "Must be at most {le}.",
    "multiple_of": "Must be a multiple of {multiple_of}.",
    "decimal_type": "Must be a decimal number, written as a text.",
    "decimal_parsing": "Must be a decimal number, written as a text.",
    "decimal_max_digits": "Must have at most {max_digits} digits.",
    "decimal_max_places": "Must have at most {decimal_places} decimal places.",
    "decimal_whole_digits": "Must have at most {whole_digits} digits before the point.",
    "date_type": "Must be a date, YYYY-MM-DD.",
    "date_parsing": "Must be a date, YYYY-MM-DD.",
    "date_from_datetime_parsing": "Must be a date, YYYY-MM-DD.",
    "date_from_datetime_inexact": "Must be a date without a time.",
    "date_past": "Must lie in the past.",
    "date_future": "Must lie in the future.",
    "time_type": "Must be a time, HH:MM:SS.",
    "time_parsing": "Must be a time, HH:MM:SS.",
    "datetime_type": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_parsing": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_object_invalid": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_from_date_parsing": "Must be a time in UTC, YYYY-MM-DDTHH:MM:SSZ.",
    "datetime_past": "Must lie in the past.",
    "datetime_future": "Must lie in the future.",
    "timezone_naive": "Must not name a time zone.",
    "timezone_aware": "Must name its time zone; send UTC with Z.",
    "timezone_offset": "Must be in UTC, with Z.",
    "uuid_type": "Must be a UUID.",
    "uuid_parsing": "Must be a UUID.",
    "uuid_version": "Must be a UUID of version {expected_version}.",
    "url_type": "Must be a URL.",
    "url_parsing": "Must be a URL.",
    "url_syntax_violation": "Must be a URL.",
    "url_too_long": "Must have at most {max_length} characters.",
    "url_scheme": "Must be a URL that starts with one of: {expected_schemes}.",
    "recursion_depth_exceeded": "Nests too deeply.",
}
"""Our sentence for each of Pydantic's error types. Braces name limits that stand in a schema."""

VALIDATION_MESSAGES: Final[dict[str, str]] = {
    "blank": "Must not be blank.",
    "id_not_random": "Must be a random UUID (version 4).",
    "too_precise": "Must have at most two decimal places.",
    "name_empty": "Needs a family or a given name.",
    "name_missing": "Needs at least one name, or a nickname.",
    "birth_form": "Give either date and precision, or estimated_age and estimated_on.",
    "date_too_early": "Lies before 1900.",
    "consent_missing": "Needs given_by, method, on and scope, or basis_without_consent.",
    "consent_incomplete": "Needs given_by and method, or basis_without_consent.",
    "period_reversed": "Ends before it begins.",
    "safeguarding_unchecked": "Needs safeguarding_checked_on, where safeguarding_valid_until is given.",
    "consent_or_basis": "Needs consent_id or basis_without_consent, and not both.",
    "mood_form": "Give value with of, not above it, or words.",
    "form_without_therapy": "Only therapy has a form.",
    "undated": "Needs planned_at, or held_at.",
    "held_form": "What was held needs held_at; what was missed has none.",
    "missed_form": "What was missed needs planned_at, attendance and missed_reason; nothing else has a missed_reason.",
    "riel_broken": "Riel are whole.",
    "amount_zero": "Must be more than nothing.",
    "lines_unfit": "Each line is one of the fund's categories, and there once.",
    "ages_reversed": "The oldest is younger than the youngest.",
    "currency_other": "Is in another currency.",
    "reason_missing": "Needs a reason, where there is no need.",
}
"""The message of each error code that this project's schemas raise."""

_SCHEMA_CONTEXT_KEYS: Final = frozenset({
    *("min_length", "max_length", "gt", "ge", "lt", "le", "multiple_of", "max_digits", "decimal_places"),
    *("whole_digits", "expected", "expected_tags", "expected_version", "expected_schemes"),
})  # fmt: skip
"""Entries of Pydantic's `ctx` that come from the schema; all others may come from the input."""

_FIELD_PATTERN = re.compile(r"[a-z_]{1,64}")
_PARAMETER_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE_PATTERN = re.compile(r"[a-z0-9_]{1,64}")


def convert_validation_errors(
    errors: Sequence[Mapping[str, Any]], body: Any, own_sentences: Mapping[str, str] | None = None
) -> list[Fault]:
    """Return a fault for each of Pydantic's `errors` about `body`, each place and rule told once."""
    sentences = {**PYDANTIC_MESSAGES, **(own_sentences or {})}
    told: dict[tuple[str, str], Fault] = {}
    absent = {"missing", *(own_sentences or {})}
    for error in errors:
        fault = _convert_error(error, body, sentences, absent)
        told.setdefault((fault.pointer or "", fault.code), fault)
        if len(told) == MAX_FAULTS:
            break
    return list(told.values())


def _convert_error(
    error: Mapping[str, Any], body: Any, sentences: Mapping[str, str], absent: Container[str]
) -> Fault:
    code = error["type"] if _CODE_PATTERN.fullmatch(error["type"]) else "invalid"
    where, *path = error["loc"] or ("body",)
    pointer = (
        _build_body_pointer(path, body, last_step_may_be_absent=code in absent)
        if where == "body"
        else _build_parameter_pointer(str(where), path, code)
    )
    return Fault(pointer, code, _format_message(code, error.get("ctx") or {}, sentences))


def _format_message(code: str, context: Mapping[str, Any], sentences: Mapping[str, str]) -> str:
    facts = {key: value for key, value in context.items() if key in _SCHEMA_CONTEXT_KEYS}
    try:
        return sentences.get(code, GENERIC_MESSAGE).format_map(facts)[:MAX_DETAIL_LENGTH]
    except (KeyError, ValueError, IndexError):
        return GENERIC_MESSAGE


def _build_parameter_pointer(where: str, path: Sequence[str | int], code: str) -> str:
    """Return `query:limit`; a name we did not declare is told only if it looks like one of ours."""
    if not path:
        return where
    name = str(path[0])
    allowed = _FIELD_PATTERN if code == "extra_forbidden" else _PARAMETER_PATTERN
    if not allowed.fullmatch(name):
        return where
    if where == "header":
        name = "-".join(part.capitalize() for part in name.split("-"))
    return f"{where}:{name}"


def _build_body_pointer(path: Sequence[str | int], body: Any, *, last_step_may_be_absent: bool) -> str:
    """Return the JSON pointer (RFC 6901) to where `path` leads in `body`; the empty one is the whole body.

    What is missing, or asked for by a rule of ours, may be absent: only then does the pointer end beside what was sent.
    """
    return "".join(
        f"/{step}"
        for step in _iter_pointer_steps(path, body, last_step_may_be_absent=last_step_may_be_absent)
    )


def _iter_pointer_steps(
    path: Sequence[str | int], body: Any, *, last_step_may_be_absent: bool
) -> Iterator[str | int]:
    """Follow `path` through `body`.

    Pydantic mixes the names of a union's members into the path: a step that leads nowhere is one of those.
    A key that does not look like one of our fields may be anything a client sent: the pointer ends before it.
    """
    here = body
    for number, step in enumerate(path, start=1):
        if _contains_step(here, step):
            if isinstance(step, str) and not _FIELD_PATTERN.fullmatch(step):
                return
            here = here[step]
            yield step
        elif (
            last_step_may_be_absent
            and number == len(path)
            and isinstance(here, dict)
            and _FIELD_PATTERN.fullmatch(str(step))
        ):
            yield step


def _contains_step(here: Any, step: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(step, int) and 0 <= step < len(here)
    return isinstance(here, dict) and step in here
