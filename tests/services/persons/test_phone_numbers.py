"""Normalization of phone numbers to E.164."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.persons.phone_numbers import normalize_phone


@pytest.mark.parametrize(
    "number",
    [
        "012 345 678",
        "012-345-678",
        "(012) 345.678",
        "12345678",
        "+85512345678",
        "+855 (0)12 345 678",
        "+855 012 345 678",
        "85512345678",
        "00855 12 345 678",
        "០១២ ៣៤៥ ៦៧៨",
        "០០៨៥៥១២៣៤៥៦៧៨",
        "+៨៥៥ ១២ ៣៤៥ ៦៧៨",
        "012\u200b345\u00a0678\u202c",
        "\uff0b855 12 345 678",
    ],
)
def test_all_notations_of_a_number_have_one_form(number: str) -> None:
    assert normalize_phone(number) == "+85512345678"


@pytest.mark.parametrize(
    ("number", "normalized"),
    [
        ("096 123 4567", "+855961234567"),
        ("023 428 100", "+85523428100"),
        ("+84 912 345 678", "+84912345678"),
        ("001 84 912 345 678", "+84912345678"),
    ],
)
def test_mobile_landline_and_foreign_numbers_are_normalized(number: str, normalized: str) -> None:
    assert normalize_phone(number) == normalized


@pytest.mark.parametrize(
    "number",
    [
        "",
        "   ",
        "1280",
        "123456",
        "012 345 678 / 017 445 566",
        "0123456789012345",
        "call the aunt",
        "0800 FLOWERS",
        "012345678 (mother)",
        "+999 12 345 678",
        "+",
        "00855",
    ],
)
def test_impossible_number_is_rejected_without_its_text(number: str) -> None:
    with pytest.raises(ValueError, match="cannot be a phone number") as raised:
        normalize_phone(number)
    assert len(number) < 4 or number not in str(raised.value)
    assert raised.value.__cause__ is None


@given(
    st.integers(10_000_000, 99_999_999), st.sampled_from(["0{}", "+855{}", "00855{}", "{}"]), st.booleans()
)
def test_phone_number_form_does_not_depend_on_prefix_and_digits(
    national: int, notation: str, in_khmer: bool
) -> None:
    number = notation.format(national)
    if in_khmer:
        number = number.translate({48 + digit: 0x17E0 + digit for digit in range(10)})
    assert normalize_phone(number) == f"+855{national}"


@given(st.text(alphabet="+0123456789០១២៣៤៥៦៧៨៩ -()/", max_size=20))
def test_normalization_is_idempotent(text: str) -> None:
    with contextlib.suppress(ValueError):
        normalized = normalize_phone(text)
        assert normalized.startswith("+")
        assert normalize_phone(normalized) == normalized


@given(st.text(max_size=25))
def test_any_text_is_normalized_or_rejected(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert normalize_phone(text)[1:].isdecimal()
