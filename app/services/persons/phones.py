"""Phone numbers in the one form that can be compared and dialled from anywhere: E.164."""

import unicodedata

from app.services.persons.name_normalization import normalize_text

_INVALID_PHONE_MESSAGE = (
    "This cannot be a phone number: give it with its area or mobile prefix, or with + and the country code."
)


def normalize_phone(number: str) -> str:
    """E.164, taking numbers without a country code as Cambodian; Khmer digits, spaces and dashes are welcome.

    Possible is enough: new ranges open before any library knows them. Raises ValueError, without the number.
    """
    import phonenumbers  # noqa: PLC0415 - sixty modules that a start can do without

    try:
        read = phonenumbers.parse(_to_international_format(normalize_text(number)), "KH")
    except phonenumbers.NumberParseException:
        raise ValueError(_INVALID_PHONE_MESSAGE) from None
    if phonenumbers.is_possible_number_with_reason(read) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError(_INVALID_PHONE_MESSAGE)
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


def _to_international_format(number: str) -> str:
    """Refuse letters, which the library would dial as on a keypad; read 00855 as +855.

    Cambodia dials abroad with 001, 007 or 008, so the library takes 00855 for 008 and then +55, Brazil.
    """
    if any(sign.isalpha() for sign in number):
        raise ValueError(_INVALID_PHONE_MESSAGE)
    digits = "".join(str(unicodedata.decimal(sign)) for sign in number if sign.isdecimal())
    return f"+{digits[2:]}" if digits.startswith("00855") else number
