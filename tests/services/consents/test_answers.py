"""The latest answer of each giver, and what it permits at each age, compared with a second implementation."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit.dates import get_age_range, today
from app.services.consents.age_bands import AgeBand, get_strictest_age_band
from app.services.consents.answers import (
    GIVERS,
    ConsentAnswer,
    RegisterEntry,
    find_latest_answers,
    list_answers,
)
from app.services.consents.gate import ConsentRegister

CASES = [None, UUID(int=1), UUID(int=2)]
AGENCIES = [None, UUID(int=11), UUID(int=12)]
SCOPES = ["services", "share_with_providers"]
LAST_DAY = date(2026, 3, 10)
BANDS = [
    AgeBand(0, "sought", "required"),
    AgeBand(12, "required", "required"),
    AgeBand(18, "required", "not_needed"),
]
DAYS = st.integers(-4, 1).map(lambda number: today() + timedelta(days=number))
TIMES = st.integers(0, 8).map(
    lambda number: datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12 * number)
)


def subsets(values: Sequence[Any], min_size: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), min_size=min_size, max_size=3, unique=True)


ENTRIES = st.builds(
    RegisterEntry,
    id=st.none(),
    case_id=st.sampled_from(CASES),
    given_by=subsets(GIVERS),
    status=st.sampled_from(["given", "given", "refused"]),
    given_on=DAYS,
    created_at=TIMES,
    scope=subsets(SCOPES, 1),
    recipient_agency_id=st.sampled_from(AGENCIES),
    valid_until=st.one_of(st.none(), DAYS),
    has_alternative_reason=st.booleans(),
    withdrawn_at=st.one_of(st.none(), st.none(), TIMES),
    withdrawn_givers=subsets(GIVERS),
    is_entered_in_error=st.sampled_from([False, False, False, True]),
)


def compute_answers_slowly(
    entries: list[RegisterEntry], scope: str, recipient: UUID | None, case_id: UUID | None, day: date
) -> dict[str, set[str]]:
    """Return the possible meanings of the answer of each giver. Only answers at the same time have several."""
    answers: list[ConsentAnswer] = []
    for entry in entries:
        if entry.is_entered_in_error or scope not in entry.scope or entry.given_on > day:
            continue
        if entry.recipient_agency_id is not None and entry.recipient_agency_id != recipient:
            continue
        for giver in entry.given_by:
            if giver == "other" and entry.status != "refused" and not entry.has_alternative_reason:
                continue
            meaning = entry.status
            if meaning == "given" and entry.valid_until and entry.valid_until < day:
                meaning = "expired"
            answers.append(ConsentAnswer(giver, meaning, entry.given_on, entry.created_at, entry.case_id))  # type: ignore[arg-type]
            if entry.withdrawn_at and (not entry.withdrawn_givers or giver in entry.withdrawn_givers):
                local_day = (entry.withdrawn_at + timedelta(hours=7)).date()
                answers.append(
                    ConsentAnswer(giver, "withdrawn", local_day, entry.withdrawn_at, entry.case_id)
                )

    def is_superseded(answer: ConsentAnswer, among: list[ConsentAnswer]) -> bool:
        return any(
            (other.on, other.recorded_at) > (answer.on, answer.recorded_at)
            or (
                (other.on, other.recorded_at) == (answer.on, answer.recorded_at)
                and other.is_refusal > answer.is_refusal
            )
            for other in among
            if other.giver == answer.giver
        )

    of_case = [answer for answer in answers if answer.case_id == case_id]
    current = [
        answer
        for answer in answers
        if (answer.is_refusal and not is_superseded(answer, answers))
        or (answer in of_case and not is_superseded(answer, of_case))
    ]
    if any(answer.is_refusal and not is_superseded(answer, answers) for answer in current):
        refusing = {
            answer.giver for answer in current if answer.is_refusal and not is_superseded(answer, answers)
        }
        current = [
            answer
            for answer in current
            if answer.giver not in refusing or (answer.is_refusal and not is_superseded(answer, answers))
        ]
    alternatives = [answer for answer in current if answer.giver == "other"]
    caregivers = [answer for answer in current if answer.giver in {"caregiver", "guardian"}]
    dropped = [
        answer for answer in caregivers if any(answer.position < other.position for other in alternatives)
    ]
    dropped += [
        answer for answer in alternatives if any(answer.position < other.position for other in caregivers)
    ]
    return {
        giver: {answer.meaning for answer in current if answer.giver == giver and answer not in dropped}
        for giver in {answer.giver for answer in current if answer not in dropped}
    }


@settings(deadline=None)
@given(
    st.lists(ENTRIES, max_size=6), st.sampled_from(SCOPES), st.sampled_from(AGENCIES), st.sampled_from(CASES)
)
def test_latest_answers_equal_those_of_a_second_implementation(
    entries: list[RegisterEntry], scope: str, recipient: UUID | None, case_id: UUID | None
) -> None:
    # Catches: answers sorted by the time of recording alone; a consent of an earlier case counted.
    answers = find_latest_answers(list_answers(entries, scope, recipient, today()), case_id)
    expected = compute_answers_slowly(entries, scope, recipient, case_id, today())
    assert answers.keys() == expected.keys()
    for giver, answer in answers.items():
        assert answer.meaning in expected[giver]


@settings(deadline=None)
@given(st.lists(ENTRIES, max_size=6), st.sampled_from(SCOPES), st.sampled_from([0, 11, 12, 17, 18]))
def test_register_permits_what_the_latest_answers_permit(
    entries: list[RegisterEntry], scope: str, age: int
) -> None:
    register = ConsentRegister(entries, get_strictest_age_band(BANDS, (age, age)), None)
    answers = {
        giver: answer.meaning
        for giver, answer in find_latest_answers(list_answers(entries, scope, None, today()), None).items()
    }
    of_caregivers = {meaning for giver, meaning in answers.items() if giver != "child"}
    child_permits = (
        answers.get("child") == "given" if age >= 12 else answers.get("child") not in {"refused", "withdrawn"}
    )
    caregivers_permit = age >= 18 or (
        "given" in of_caregivers and not of_caregivers & {"refused", "withdrawn"}
    )
    assert (not list(register.check(scope))) == (child_permits and caregivers_permit)


def build_entry(given_by: str, on: int, **changes: Any) -> RegisterEntry:
    """Return an entry about services, given by some people some days before `LAST_DAY`."""
    given_on = LAST_DAY - timedelta(days=on)
    created_at = datetime(given_on.year, given_on.month, given_on.day, 3, tzinfo=UTC)
    fields = {"created_at": created_at, "scope": ["services"], **changes}
    return RegisterEntry(given_by=given_by.split(), given_on=given_on, **fields)


REFUSED = {"status": "refused"}
REASON = {"has_alternative_reason": True}
OTHER_CASE = {"case_id": UUID(int=1)}


@pytest.mark.parametrize(
    ("entries", "age", "codes"),
    [
        ([build_entry("caregiver", 3)], 11, []),
        ([build_entry("guardian", 3)], 11, []),
        ([build_entry("caregiver", 3)], 12, ["consent_giver_missing"]),
        ([build_entry("child", 3)], 11, ["consent_giver_missing"]),
        ([build_entry("child", 3)], 18, []),
        ([build_entry("child", 3), build_entry("caregiver", 2, **REFUSED)], 18, []),
        ([build_entry("child caregiver", 3), build_entry("child", 2, **REFUSED)], 12, ["consent_refused"]),
        ([build_entry("child caregiver", 3), build_entry("child", 2, **REFUSED)], 5, ["consent_refused"]),
        (
            [build_entry("child caregiver", 3), build_entry("caregiver", 2, **REFUSED)],
            14,
            ["consent_refused"],
        ),
        ([build_entry("child caregiver", 2), build_entry("caregiver", 3, **REFUSED)], 14, []),
        ([build_entry("child caregiver", 3), build_entry("guardian", 2, **REFUSED)], 14, ["consent_refused"]),
        ([build_entry("caregiver", 3, **REFUSED), build_entry("child other", 2)], 14, ["consent_refused"]),
        ([build_entry("caregiver", 3, **REFUSED), build_entry("child other", 2, **REASON)], 14, []),
        (
            [build_entry("child other", 3, **REASON), build_entry("caregiver", 2, **REFUSED)],
            14,
            ["consent_refused"],
        ),
        ([build_entry("child caregiver", 3, **OTHER_CASE)], 14, ["consent_giver_missing"] * 2),
        (
            [build_entry("child", 3, **OTHER_CASE, **REFUSED), build_entry("child caregiver", 4)],
            14,
            ["consent_refused"],
        ),
        ([build_entry("child", 3, **OTHER_CASE, **REFUSED), build_entry("child caregiver", 2)], 14, []),
    ],
)
def test_answers_and_age_decide(entries: list[RegisterEntry], age: int, codes: list[str]) -> None:
    register = ConsentRegister(entries, get_strictest_age_band(BANDS, (age, age)), None)
    assert [fault.code for fault in register.check("services")] == codes


def test_consent_is_valid_until_the_end_of_its_last_day() -> None:
    for days, codes in ((-1, ["consent_expired"] * 2), (0, [])):
        entry = build_entry("child caregiver", 3, valid_until=today() + timedelta(days=days))
        register = ConsentRegister([entry], get_strictest_age_band(BANDS, (14, 14)), None)
        assert [fault.code for fault in register.check("services")] == codes


def test_refusal_fault_contains_the_giver_and_the_day() -> None:
    register = ConsentRegister(
        [build_entry("child caregiver", 0, **REFUSED)], get_strictest_age_band(BANDS, (8, 8)), None
    )
    details = [fault.detail for fault in register.check("services")]
    day = LAST_DAY.isoformat()
    assert details == [f"The child refused services on {day}.", f"The caregiver refused services on {day}."]


def test_word_about_one_agency_does_not_concern_another() -> None:
    entries = [
        build_entry("child caregiver", 3),
        build_entry("child", 2, recipient_agency_id=AGENCIES[1], **REFUSED),
    ]
    register = ConsentRegister(entries, get_strictest_age_band(BANDS, (14, 14)), None)
    assert [fault.code for fault in register.check("services", AGENCIES[1])] == ["consent_refused"]
    assert list(register.check("services", AGENCIES[2])) == list(register.check("services")) == []


@pytest.mark.parametrize(
    ("birth", "child", "caregiver"),
    [
        ({"date": "2014-06-02", "precision": "day"}, "sought", "required"),
        ({"date": "2014-06-01", "precision": "day"}, "required", "required"),
        ({"date": "2014-06-01", "precision": "month"}, "required", "required"),
        ({"date": "2008-06-02", "precision": "day"}, "required", "required"),
        ({"date": "2008-06-01", "precision": "day"}, "required", "not_needed"),
        ({"date": "2008-01-01", "precision": "year"}, "required", "required"),
        ({"date": "2014-02-28", "precision": "day"}, "required", "required"),
        (None, "required", "required"),
    ],
)
def test_age_band_begins_on_the_birthday(birth: dict[str, Any] | None, child: str, caregiver: str) -> None:
    # Catches: the least strict of the possible bands.
    band = get_strictest_age_band(BANDS, get_age_range(birth, date(2026, 6, 1)))
    assert (band.child, band.caregiver) == (child, caregiver)


def test_both_must_consent_without_a_band() -> None:
    assert get_strictest_age_band([], (9, 9)) == AgeBand(9, "required", "required")
