"""Normalization of phone numbers to E.164, the format that can be compared and dialled from any country."""

import unicodedata
from contextlib import suppress

from app.services.persons.name_normalization import normalize_text

PHONE_CHARACTERS = frozenset("+0123456789 ().-")

_INVALID_PHONE_MESSAGE = (
    "This cannot be a phone number. Give it with its area or mobile prefix, or with + and the country code."
)


def normalize_phone(number: str) -> str:
    """Return the number in E.164. A number without a country code is Cambodian; Khmer digits are accepted.

    The number must be possible, but not valid, because new number ranges are in use before the library contains them.

    Raises:
        ValueError: The number is impossible. The message does not contain the number.
    """
    import phonenumbers  # noqa: PLC0415 - loads sixty modules that a start does not need

    try:
        parsed = phonenumbers.parse(_to_international_format(normalize_text(number)), "KH")
    except phonenumbers.NumberParseException:
        raise ValueError(_INVALID_PHONE_MESSAGE) from None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError(_INVALID_PHONE_MESSAGE)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def normalize_office_phone(number: str) -> str:
    """Return a work number in E.164, or unchanged if it is not only a number, for example with an extension."""
    if set(number) <= PHONE_CHARACTERS:
        with suppress(ValueError):
            return normalize_phone(number)
    return number


def _to_international_format(number: str) -> str:
    """Convert the prefix 00855 to +855, and reject letters, which the library converts as on a keypad.

    The international prefixes of Cambodia are 001, 007 and 008. The library would parse 00855 as 008 and +55, Brazil.
    """
    if any(character.isalpha() for character in number):
        raise ValueError(_INVALID_PHONE_MESSAGE)
    digits = "".join(str(unicodedata.decimal(digit)) for digit in number if digit.isdecimal())
    return f"+{digits[2:]}" if digits.startswith("00855") else number
