"""Messages of validation errors, with placeholders for the values of the rule. The values are never input.

Every code of a query parameter has a message in Khmer.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.errors import Fault
from app.fault_codes import FaultCode

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
    "enum": "Must be one of: {allowed}.",
    "literal_error": "Must be one of: {allowed}.",
    "union_tag_invalid": "Must be one of: {allowed}.",
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
    "parameter_unknown": "Unknown parameter. Allowed: {allowed}.",
    "record_kind_alone": "`record_kind` requires `child_id`, `case_id` or `record_id`.",
    "sort_with_q": "`q` determines the order. Give either `q` or `sort`.",
    "value_empty": "Must not contain an empty value. Separate the values by single commas.",
}
"""The message of each error code that this project's schemas raise."""

KHMER_MESSAGES: Final[dict[FaultCode, str]] = {
    "missing": "តម្រូវឱ្យបំពេញ។",
    "parameter_unknown": "មិនស្គាល់ប៉ារ៉ាម៉ែត្រនេះទេ។ ប៉ារ៉ាម៉ែត្រដែលអនុញ្ញាត៖ {allowed}។",
    "repeated": "មិនត្រូវមានស្ទួនទេ។",
    "enum": "ត្រូវតែជាតម្លៃមួយក្នុងចំណោម៖ {allowed}។",
    "literal_error": "ត្រូវតែជាតម្លៃមួយក្នុងចំណោម៖ {allowed}។",
    "value_empty": "មិនត្រូវមានតម្លៃទទេទេ។ សូមបំបែកតម្លៃដោយសញ្ញាក្បៀសតែមួយ។",
    "record_kind_alone": "`record_kind` ត្រូវការ `child_id`, `case_id` ឬ `record_id` ផងដែរ។",
    "sort_with_q": "`q` កំណត់លំដាប់រួចហើយ។ សូមផ្តល់តែ `q` ឬ `sort` ប៉ុណ្ណោះ។",
    "cursor_invalid": "`cursor` មិនត្រឹមត្រូវ ឬជារបស់បញ្ជីផ្សេង ឬតម្រងផ្សេង។",
    "less_than_equal": "ត្រូវតែមិនលើសពី {le}។",
    "greater_than_equal": "ត្រូវតែយ៉ាងតិច {ge}។",
    "int_parsing": "ត្រូវតែជាចំនួនគត់។",
    "int_parsing_size": "ត្រូវតែជាចំនួនគត់ យ៉ាងច្រើន 64 ប៊ីត។",
    "bool_parsing": "ត្រូវតែជា true ឬ false។",
    "uuid_parsing": "ត្រូវតែជា UUID។",
    "date_parsing": "ត្រូវតែជាកាលបរិច្ឆេទ YYYY-MM-DD។",
    "date_from_datetime_parsing": "ត្រូវតែជាកាលបរិច្ឆេទ YYYY-MM-DD។",
    "datetime_parsing": "ត្រូវតែជាពេលវេលា UTC, YYYY-MM-DDTHH:MM:SSZ។",
    "datetime_from_date_parsing": "ត្រូវតែជាពេលវេលា UTC, YYYY-MM-DDTHH:MM:SSZ។",
    "blank": "មិនត្រូវទទេទេ។",
    "string_too_long": "ត្រូវមានយ៉ាងច្រើន {max_length} តួអក្សរ។",
    "string_too_short": "ត្រូវមានយ៉ាងតិច {min_length} តួអក្សរ។",
    "string_pattern_mismatch": "មិនត្រូវតាមទម្រង់ដែលកំណត់ទេ។",
    "too_long": "ត្រូវមានយ៉ាងច្រើន {max_length} ធាតុ។",
}
"""The message in Khmer of each error code of a query parameter. The other codes have an English message only."""


def format_message(template: str, params: Mapping[str, Any]) -> str:
    """Return a message with the values of `params`; the general message if the template needs another value."""
    texts = {
        name: ", ".join(map(str, value)) or "none" if isinstance(value, list) else value
        for name, value in params.items()
    }
    try:
        return template.format_map(texts)[:MAX_DETAIL_LENGTH]
    except (KeyError, ValueError, IndexError):
        return GENERIC_MESSAGE


def translate_detail(fault: Fault, language: str) -> str:
    """Return the detail of a fault in a language, or in English if there is no translation."""
    template = KHMER_MESSAGES.get(fault.code) if language == "km" else None
    message = GENERIC_MESSAGE if template is None else format_message(template, fault.params)
    return fault.detail if message == GENERIC_MESSAGE else message
