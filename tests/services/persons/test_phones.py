"""Phone numbers arrive as people write them and leave in one form."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.persons.phone_numbers import normalize_phone


@pytest.mark.parametrize(
    "written",
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
def test_every_way_of_writing_one_number_is_that_number(written: str) -> None:
    assert normalize_phone(written) == "+85512345678"


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("096 123 4567", "+855961234567"),
        ("023 428 100", "+85523428100"),
        ("+84 912 345 678", "+84912345678"),
        ("001 84 912 345 678", "+84912345678"),
    ],
)
def test_long_mobiles_landlines_and_neighbours_are_kept(written: str, dialled: str) -> None:
    assert normalize_phone(written) == dialled


@pytest.mark.parametrize(
    "written",
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
def test_what_cannot_be_dialled_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="cannot be a phone number") as refused:
        normalize_phone(written)
    assert len(written) < 4 or written not in str(refused.value)
    assert refused.value.__cause__ is None


@given(
    st.integers(10_000_000, 99_999_999), st.sampled_from(["0{}", "+855{}", "00855{}", "{}"]), st.booleans()
)
def test_the_form_does_not_depend_on_the_writing(national: int, form: str, in_khmer: bool) -> None:
    written = form.format(national)
    if in_khmer:
        written = written.translate({48 + digit: 0x17E0 + digit for digit in range(10)})
    assert normalize_phone(written) == f"+855{national}"


@given(st.text(alphabet="+0123456789០១២៣៤៥៦៧៨៩ -()/", max_size=20))
def test_what_was_accepted_once_is_accepted_again_unchanged(text: str) -> None:
    with contextlib.suppress(ValueError):
        dialled = normalize_phone(text)
        assert dialled.startswith("+")
        assert normalize_phone(dialled) == dialled


@given(st.text(max_size=25))
def test_no_text_is_answered_by_anything_but_a_number_or_a_refusal(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert normalize_phone(text)[1:].isdecimal()
