"""Lenient validation: every wrong value in every optional field of a new referral is accepted, kept and reported."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from app.schemas import lenient_validation
from app.schemas.lenient_validation import MAX_UNREAD_VALUES
from app.schemas.referral_content import ReferralContent
from app.schemas.referrals import EXACT_PATHS, REQUIRED_PATHS, ReferralCreate
from tests.support.json_paths import changed, paths, pointer
from tests.support.referrals import FULL_REFERRAL_PAYLOAD, LEAK_CANARY, SAMPLE_DATE

NOT_IN_CONTENT = {"id", "external_id", "source"}
ESTIMATED_RANGE = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
ESTIMATED_RANGE["child"]["birth"] = {
    "estimated_age_min": 8,
    "estimated_age_max": 12,
    "estimated_on": SAMPLE_DATE,
}
ESTIMATED = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
ESTIMATED["child"]["birth"] = {"estimated_age": 9, "estimated_on": SAMPLE_DATE}
WRONG_VALUES: list[Any] = [
    92719271, -1, 9271.5, True, False, "", " \u200b", LEAK_CANARY, LEAK_CANARY * 5_000, [LEAK_CANARY], {LEAK_CANARY: LEAK_CANARY}, [],
    {}, [[]], [None], [{}],
]  # fmt: skip
SOFT = [path for path, _ in paths(FULL_REFERRAL_PAYLOAD) if path not in REQUIRED_PATHS | EXACT_PATHS]
SOFT_AGES = [path for path, _ in paths(ESTIMATED_RANGE) if path[:2] == ("child", "birth")]
SOFT_AGE = [("child", "birth", "estimated_age"), ("child", "birth", "estimated_on")]


def list_strict_errors(document: dict[str, Any]) -> list[Any]:
    """Return the errors of a strict validation, which refuses what the intake accepts with a warning."""
    content = {name: value for name, value in document.items() if name not in NOT_IN_CONTENT}
    try:
        ReferralContent.model_validate(content, from_attributes=True)
    except ValidationError as error:
        return error.errors()
    return []


def test_document_with_too_many_errors_is_refused_before_any_value_is_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Catches: thousands of values are repaired first, which occupies a worker for seconds.
    repaired: list[Any] = []
    monkeypatch.setattr(lenient_validation, "convert_error", repaired.append)
    keys = dict.fromkeys(f"key_{number}" for number in range(MAX_UNREAD_VALUES + 1))
    with pytest.raises(ValidationError):
        ReferralCreate.model_validate({**FULL_REFERRAL_PAYLOAD, **keys})
    assert repaired == []


def test_every_wrong_value_in_every_optional_field_is_accepted_with_a_warning_at_its_pointer() -> None:
    # Catches: `too_long` without a conversion; an unknown error type that refuses; `_strip` that keeps removed items.
    count = 0
    for full, soft in ((FULL_REFERRAL_PAYLOAD, SOFT), (ESTIMATED_RANGE, SOFT_AGES), (ESTIMATED, SOFT_AGE)):
        for path in soft:
            for wrong in WRONG_VALUES:
                document = changed(wrong, path, full=full)
                document["child"]["nickname"] = (
                    document["child"]["nickname"] if path[-1] == "nickname" else "sample"
                )
                if path == ("child", "names") or path[:2] == ("child", "names"):
                    document["child"]["nickname"] = "sample"
                referral = ReferralCreate.model_validate(document, from_attributes=True)
                is_blank = isinstance(wrong, str) and not wrong.strip(" \u200b")
                if path[0] in NOT_IN_CONTENT or is_blank:
                    continue
                found = [value.warning.pointer or "" for value in referral.get_unread_values()]
                if not list_strict_errors(document):
                    assert found == [], (path, wrong)
                    continue
                count += 1
                about = [place for place in found if place.startswith(pointer(path))]
                assert about or wrong in ([None], [{}]), (path, wrong, found)
                assert "Canary" not in "".join(found)
    assert count > 600


def validate(**changes: Any) -> ReferralCreate:
    """Validate a complete payload with another value in fields of the child."""
    document = copy.deepcopy(FULL_REFERRAL_PAYLOAD)
    document["child"].update(changes)
    return ReferralCreate.model_validate(document, from_attributes=True)


def list_unread(referral: ReferralCreate) -> list[tuple[str | None, str, str]]:
    return [(item.warning.pointer, item.warning.code, item.value) for item in referral.get_unread_values()]


def test_pointers_of_list_items_are_those_of_the_request() -> None:
    # Catches: the item is deleted at once. The second pass then reports `/child/phones/0`.
    phones = [{"number": []}, {"number": "012 345 678", "owner": 5}, {"number": True, "note": "x"}]
    referral = validate(phones=phones, phone=None, languages=["km", "klingon", 5])
    assert list_unread(referral) == [
        ("/child/phones/0/number", "string_type", "[]"),
        ("/child/phones/1/owner", "literal_error", "5"),
        ("/child/phones/2/number", "string_type", "true"),
        ("/child/languages/1", "literal_error", "klingon"),
        ("/child/languages/2", "literal_error", "5"),
        ("/child/phones/2/number", "missing", '{"note": "x"}'),
    ]
    assert [phone.number for phone in referral.child.phones] == ["012 345 678"]


def test_converted_value_that_is_still_wrong_is_removed_and_kept_as_it_was_sent() -> None:
    referral = validate(languages="klingon", birth="5000-01-01")
    assert set(list_unread(referral)) == {
        ("/child/languages", "literal_error", "klingon"),
        ("/child/birth", "date_in_future", "5000-01-01"),
    }
    assert (referral.child.languages, referral.child.birth) == ([], None)


def test_null_and_blank_values_are_absent() -> None:
    assert list_unread(validate(sex=None, nickname=" ", languages=[None], phones=None, school=None)) == []


def test_document_with_too_many_wrong_values_is_refused() -> None:
    wrong = {f"unknown_{letter}{other}": 1 for letter in "abcdefghijkl" for other in "abcdefghijklmnopqrst"}
    assert len(wrong) > MAX_UNREAD_VALUES
    with pytest.raises(ValidationError) as raised:
        validate(**wrong)
    assert raised.value.error_count() == len(wrong)
