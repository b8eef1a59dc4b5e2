"""Conversion of values of another form whose meaning is certain: `"8"` is the age 8, a text in place of a phone its number.

A date such as 03/04/2016, which has two meanings, is not converted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.text_folding import fold_digits, fold_identifier, fold_text


class _Removed:
    """The place of a removed value."""


REMOVED: Final = _Removed()

TEXT_FIELDS: Final[Mapping[str, str]] = {
    "phone": "number", "phones": "number", "names": "given", "concern": "summary", "documents": "title", "referrer": "name",
    "child": "names",
}  # fmt: skip
"""The field of an object to which a text in place of the object is converted, by the name of the object or of its list."""
TRUE_WORDS: Final = frozenset({"yes", "y", "true", "1", "បាទ", "ចាស"})
FALSE_WORDS: Final = frozenset({"no", "n", "false", "0", "ទេ", "អត់ទេ"})
MAX_AGE: Final = 120

_AGE: Final = re.compile(r"([0-9]{1,3})(?:[.,][0-9])?\s*(?:(?:years?|yrs?|y)(?: old)?|ឆ្នាំ)?")
"""An age with at most one decimal digit: `8.5` is an age, `10.2014` is a month, and `8,12` may be two ages."""
_AGE_RANGE: Final = re.compile(
    r"([0-9]|[1-9][0-9]{1,2})\s*(?:-|to)\s*([0-9]{1,3})\s*(?:(?:years?|yrs?|y)(?: old)?|ឆ្នាំ)?"
)
"""A range of ages. `05-16` is a month."""
_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
_EXPECTED_VALUE: Final = re.compile("'([^']*)'")

Parent: TypeAlias = Any
"""The object or the list that contains a value."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """New values of the fields of an object or the items of a list, and the value as it was sent that is kept."""

    changes: Mapping[Any, Any]
    kept: Any
    is_cut: bool = False


def convert_value(error: Mapping[str, Any], value: Any, parent: Parent, key: Any) -> Conversion | None:
    """Return the conversion of a value because of one of Pydantic's errors, or None if its meaning is not certain."""
    rule = _RULES.get(error["type"])
    return rule(error, value, parent, key) if rule else None


def read_age(value: Any) -> dict[str, int] | None:
    """Return the fields of `birth` for an age: `8`, `"8 years"`, `8.5` (8 whole years), `"8-12"`, with digits of any script."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = fold_text(str(int(value) if isinstance(value, float) and 0 <= value <= MAX_AGE else value))
    if age := _AGE.fullmatch(text):
        return {"estimated_age": int(age[1])} if int(age[1]) <= MAX_AGE else None
    ages = _AGE_RANGE.fullmatch(text)
    if ages and int(ages[1]) <= int(ages[2]) <= MAX_AGE:
        return {"estimated_age_min": int(ages[1]), "estimated_age_max": int(ages[2])}
    return None


def _read_birth(value: Any) -> dict[str, Any] | None:
    """Return the object `birth` for a date, `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, or for an age."""
    date = _DATE.fullmatch(fold_digits(value).strip()) if isinstance(value, str) else None
    if date is None:
        return read_age(value)
    precision = "day" if date[3] else "month" if date[2] else "year"
    return {"date": f"{date[1]}-{date[2] or '01'}-{date[3] or '01'}", "precision": precision}


def _cut_text(error: Mapping[str, Any], value: Any, _parent: Parent, key: Any) -> Conversion | None:
    return Conversion({key: value[: error["ctx"]["max_length"]]}, value, is_cut=True)


def _cut_list(error: Mapping[str, Any], value: Any, _parent: Parent, key: Any) -> Conversion | None:
    if not isinstance(value, list):
        return None
    items = [item for item in value if item is not REMOVED]
    limit = error["ctx"]["max_length"]
    return Conversion({key: items[:limit]}, items[limit:], is_cut=True)


def _convert_to_text(_error: Mapping[str, Any], value: Any, _parent: Parent, key: Any) -> Conversion | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_whole = isinstance(value, float) and value.is_integer()
    return Conversion({key: str(int(value) if is_whole else value)}, value)


def _convert_to_integer(
    _error: Mapping[str, Any], value: Any, _parent: Parent, key: Any
) -> Conversion | None:
    age = read_age(value)
    if age is None:
        return None
    if key == "estimated_age":
        return Conversion({"estimated_age": REMOVED} | age, value)
    return Conversion({key: age["estimated_age"]}, value) if "estimated_age" in age else None


def _convert_to_boolean(
    _error: Mapping[str, Any], value: Any, _parent: Parent, key: Any
) -> Conversion | None:
    word = fold_text(str(value)) if isinstance(value, str | int) else ""
    if word in TRUE_WORDS | FALSE_WORDS:
        return Conversion({key: word in TRUE_WORDS}, value)
    return None


def _convert_to_list(_error: Mapping[str, Any], value: Any, _parent: Parent, key: Any) -> Conversion | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | dict):
        return None
    return Conversion({key: [value]}, value)


def _convert_to_object(error: Mapping[str, Any], value: Any, parent: Parent, key: Any) -> Conversion | None:
    """Convert a text, a number, or a list in place of an object."""
    name = next((step for step in reversed(error["loc"]) if isinstance(step, str)), "")
    is_number = isinstance(value, int) and not isinstance(value, bool)
    converted: Any = None
    if name == "birth":
        converted = _read_birth(value)
    elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        converted = value[0]
    elif name == "phone" and isinstance(value, list):
        return _convert_phone_list(value, parent, key)
    elif name in TEXT_FIELDS and isinstance(value, str):
        converted = {TEXT_FIELDS[name]: value}
    elif name in {"phone", "phones"} and is_number:
        converted = {"number": str(value)}
    return Conversion({key: converted}, value) if converted is not None else None


def _convert_phone_list(value: list[Any], parent: Parent, key: Any) -> Conversion | None:
    """Convert a list in the field `phone`: texts to one text, which is split later, and objects to items of `phones`."""
    if not value:
        return None
    if all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        return Conversion({key: {"number": " / ".join(map(str, value))}}, value)
    phones = (parent.get("phones") or []) if isinstance(parent, dict) else None
    if key != "phone" or not isinstance(phones, list) or not all(isinstance(item, dict) for item in value):
        return None
    return Conversion({"phone": REMOVED, "phones": [*phones, *value]}, value)


def _convert_code(error: Mapping[str, Any], value: Any, _parent: Parent, key: Any) -> Conversion | None:
    """Convert another spelling of a code: `Male` is `male`, `phone call` is `phone_call`."""
    if not isinstance(value, str):
        return None
    codes = {fold_identifier(code): code for code in _EXPECTED_VALUE.findall(error["ctx"]["expected"])}
    code = codes.get(fold_identifier(value))
    return Conversion({key: code}, value) if code and error["loc"][-1] == key else None


def _convert_unknown_field(
    _error: Mapping[str, Any], value: Any, parent: Parent, key: Any
) -> Conversion | None:
    """Convert the field `age` of a child without `birth`."""
    age = read_age(value) if key == "age" else None
    if (
        age is None
        or not isinstance(parent, dict)
        or isinstance(parent.get("birth"), dict | str | int | list)
    ):
        return None
    return Conversion({"age": REMOVED, "birth": age}, value)


_RULES: Final[Mapping[str, Callable[[Mapping[str, Any], Any, Parent, Any], Conversion | None]]] = {
    "string_too_long": _cut_text,
    "too_long": _cut_list,
    "string_type": _convert_to_text,
    "int_type": _convert_to_integer,
    "int_from_float": _convert_to_integer,
    "int_parsing": _convert_to_integer,
    "bool_type": _convert_to_boolean,
    "list_type": _convert_to_list,
    "model_type": _convert_to_object,
    "model_attributes_type": _convert_to_object,
    "literal_error": _convert_code,
    "enum": _convert_code,
    "extra_forbidden": _convert_unknown_field,
}
"""The conversion for each of Pydantic's error types."""
