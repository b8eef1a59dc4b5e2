"""Phone numbers: E.164 for a certainly valid number, and the text as it was typed for anything else."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.schemas.identity import MAX_PHONES, Phone
from app.services.persons.phone_numbers import find_e164, normalize_phones, parse_phones
from app.text_folding import fold_digits

KHMER_DIGITS = {48 + digit: 0x17E0 + digit for digit in range(10)}


@pytest.mark.parametrize(
    "number",
    [
        "012 345 678",
        "012-345-678",
        "(012) 345.678",
        "12345678",
        "+85512345678",
        "+855 (0)12 345 678",
        "(+855) 12 345 678",
        "+855 012 345 678",
        "85512345678",
        "00855 12 345 678",
        "០១២ ៣៤៥ ៦៧៨",
        "០០៨៥៥១២៣៤៥៦៧៨",
        "+៨៥៥ ១២ ៣៤៥ ៦៧៨",
        "٠١٢ ٣٤٥ ٦٧٨",
        "012\u200b345\u00a0678\u202c",
        "\uff0b855 12 345 678",
        "０１２‑３４５−６７８",
    ],
)
def test_all_notations_of_a_number_give_the_same_e164_number(number: str) -> None:
    assert find_e164(number) == "+85512345678"


@pytest.mark.parametrize(
    ("number", "e164"),
    [
        ("096 123 4567", "+855961234567"),
        ("023 428 100", "+85523428100"),
        ("+84 912 345 678", "+84912345678"),
        ("+1 202 555 0123", "+12025550123"),
        ("+66 81 234 5678", "+66812345678"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+49 170 1234567", "+491701234567"),
        ("012 34 56 78", "+85512345678"),
        ("012 345 6789", "+855123456789"),
        ("0123456789", "+855123456789"),
        ("0888 123 456", "+855888123456"),
        ("096 123 45 67", "+855961234567"),
    ],
)
def test_valid_mobile_landline_and_foreign_numbers_are_normalized(number: str, e164: str) -> None:
    assert find_e164(number) == e164


@pytest.mark.parametrize(
    "text",
    [
        "1280",
        "123456",
        "0123456789012345",
        "call the aunt",
        "0800 FLOWERS",
        "+999 12 345 678",
        "+",
        "00855",
        "053 123 456",
        "0084 90 123 4567",
        "0084901234567",
        "001 202 555 0123",
        "001 84 912 345 678",
        "0066 81 234 5678",
        "007 1 202 555 0123",
        "202 555 0123",
        "84 90 123 4567",
        "+49 01234567",
        "012345678/9",
        "012 345 678/79",
        "012 345 678 / 67",
        "012 345 678 / 119 / 097 123 4567",
        "012 345 678 ext 12",
        "012 345 678 (12)",
        "012 345 678 2 phones",
        "012 345 678-9",
        "012345678 9",
        "012 345 678 (9)",
        "012 345 678.9",
        "9 012 345 678",
        "9 12 345 678",
        "012 34 567 8",
        "+855 12 345 678 9",
        "00855 12 345 678-9",
        "023 428 100 1",
        "IDPoor 12345678",
        "house12 345 678",
        "012345678a",
        "012 345 678 (call 5 pm)",
        "012+345678",
        "no phone",
        "-",
    ],
)
def test_uncertain_text_is_kept_as_it_was_typed(text: str) -> None:
    # Catches: a number that is possible is accepted, as 0084… with the international prefix 008 of Cambodia.
    assert find_e164(text) is None
    assert [(phone.number, phone.e164, phone.note) for phone in parse_phones(text)] == [(text, None, None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("012 345 678 (mother)", [("+85512345678", "mother")]),
        ("mother: 012 345 678", [("+85512345678", "mother")]),
        ("(mother) 012 345 678", [("+85512345678", "mother")]),
        ("០១២ ៣៤៥ ៦៧៨ (ម្តាយ)", [("+85512345678", "ម្តាយ")]),
        ("+855 12 345 678 - after school", [("+85512345678", "after school")]),
        ("012 345 678 / 097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012345678/0971234567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678, 097 123 4567; +84 912 345 678", [("+85512345678", None), ("+855971234567", None), ("+84912345678", None)]),
        ("012 345 678\n097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678 097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678 - 097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678 or 097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678 ឬ 097 123 4567", [("+85512345678", None), ("+855971234567", None)]),
        ("012 345 678 (mother) / 097 123 4567 (aunt)", [("+85512345678", "mother"), ("+855971234567", "aunt")]),
    ],
)  # fmt: skip
def test_several_numbers_are_split_and_words_become_the_note(
    text: str, expected: list[tuple[str, str | None]]
) -> None:
    assert [(phone.e164, phone.note) for phone in parse_phones(text)] == expected
    assert [phone.number for phone in parse_phones(text)] == [number for number, _ in expected]


@given(
    st.integers(10_000_000, 99_999_999), st.sampled_from(["0{}", "+855{}", "00855{}", "{}"]), st.booleans()
)
def test_phone_number_form_does_not_depend_on_prefix_and_digits(
    national: int, notation: str, in_khmer: bool
) -> None:
    is_valid = phonenumbers.is_valid_number(phonenumbers.parse(f"+855{national}"))
    number = notation.format(national)
    assert find_e164(number.translate(KHMER_DIGITS) if in_khmer else number) == (
        f"+855{national}" if is_valid else None
    )


@given(
    st.sampled_from(["012 345 678", "012345678", "012-345-678", "+855 12 345 678", "023 428 100", "097 123 4567"]),
    st.text("0123456789០១២៣៤៥៦៧៨៩", min_size=1, max_size=3).filter(lambda digits: fold_digits(digits) != "855"),
    st.sampled_from([" {}", "-{}", ".{}", " ({})", " - {}", " {} phones", " (mother {})", "/{}", "+{}", " ext {}", " no. {}"]),
    st.booleans(),
)  # fmt: skip
@example("012 345 678", "32", "+{}", True)
def test_adjacent_digits_never_become_part_of_a_number(
    number: str, digits: str, other: str, is_before: bool
) -> None:
    # Catches: the grouping is not compared. "012 345 678 2 phones" is then the number +855123456782.
    # Catches: "+32 012 345 678" is a number in Belgium.
    rest = other.format(digits)
    text = f"{rest.strip()} {number}" if is_before else f"{number}{rest}"
    assert [phone.e164 for phone in parse_phones(text)] == [None]
    assert parse_phones(text)[0].number == text


@given(st.text(alphabet="+0123456789០១២៣៤៥៦៧៨៩ -()/,m", max_size=30))
@example("012 345 678 012 345 678")
def test_only_valid_numbers_are_normalized_and_no_text_is_lost(text: str) -> None:
    for phone in parse_phones(text):
        if phone.e164 is None:
            assert phone.number == " ".join(text.split())
            assert parse_phones(text) == [phone]
        else:
            assert phonenumbers.is_valid_number(phonenumbers.parse(phone.e164))
            assert find_e164(phone.e164) == phone.e164 == phone.number
            assert phone.e164[1:].isdecimal()


@given(st.text(max_size=25))
def test_any_text_is_kept_or_normalized(text: str) -> None:
    assert parse_phones(text)


@pytest.mark.parametrize(("sent", "stored"), [(True, None), (None, None), (False, False)])
def test_owner_and_safety_of_several_numbers_are_unknown_unless_a_call_is_not_safe(
    sent: bool | None, stored: bool | None
) -> None:
    # Catches: each number has the owner and the safety of the entry.
    phone = Phone(
        number="012 345 678 (mother) / 097 123 4567 (uncle do not call)", owner="family", safe_to_call=sent
    )
    phones, _ = normalize_phones([phone], ["/phone"])
    assert [(item.e164, item.owner, item.note, item.safe_to_call) for item in phones] == [
        ("+85512345678", None, "mother", stored),
        ("+855971234567", None, "uncle do not call", stored),
    ]


def test_parts_of_a_text_join_the_notes() -> None:
    phone = Phone(
        number="012 345 678 (mother) / 097 123 4567", owner="family", note="evenings", safe_to_call=False
    )
    odd = Phone(number="1280", e164="+85512345678")
    phones, warnings = normalize_phones([phone, odd], ["/phone", "/phones/0"])
    assert [item.model_dump() for item in phones] == [
        {"number": "+85512345678", "owner": None, "note": "evenings; mother", "safe_to_call": False, "e164": "+85512345678"},
        {"number": "+855971234567", "owner": None, "note": "evenings", "safe_to_call": False, "e164": "+855971234567"},
        {"number": "1280", "owner": None, "note": None, "safe_to_call": None, "e164": None},
    ]  # fmt: skip
    assert [(warning.pointer, warning.code, warning.params) for warning in warnings] == [
        ("/phone/number", "phone_split", {"count": 2}),
        ("/phones/0/number", "phone_invalid", {}),
    ]


def test_text_is_not_split_beyond_the_maximum_number_of_phones() -> None:
    phones = [Phone(number="012 345 678 / 097 123 4567")] * MAX_PHONES
    normalized, warnings = normalize_phones(phones, [f"/phones/{index}" for index in range(MAX_PHONES)])
    assert [phone.e164 for phone in normalized] == [None] * MAX_PHONES
    assert {warning.code for warning in warnings} == {"phone_invalid"}
