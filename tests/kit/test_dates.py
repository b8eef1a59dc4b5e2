"""Ages are counted as people count them, and ranges hold exactly the births that fit."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange, add_months, today

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))


def dated(day: str, precision: str) -> BirthRange:
    return BirthRange.from_details({"date": day, "precision": precision})


def guessed(age: int, on: str | date) -> BirthRange:
    return BirthRange.from_details({"estimated_age": age, "estimated_on": on})


def test_a_known_day_is_one_day() -> None:
    birth = dated("2016-03-14", "day")
    assert birth.earliest == birth.latest == date(2016, 3, 14)


def test_a_known_month_is_all_its_days() -> None:
    birth = dated("2016-02-01", "month")
    assert (birth.earliest, birth.latest) == (date(2016, 2, 1), date(2016, 2, 29))


def test_a_known_year_is_all_its_days() -> None:
    birth = dated("2016-07-09", "year")
    assert (birth.earliest, birth.latest) == (date(2016, 1, 1), date(2016, 12, 31))


def test_a_date_object_serves_as_well() -> None:
    assert BirthRange.from_details({"date": date(2016, 3, 14), "precision": "day"}) == dated(
        "2016-03-14", "day"
    )


def test_an_estimated_age_of_ten_spans_the_year_of_such_births() -> None:
    birth = guessed(10, "2026-11-14")
    assert (birth.earliest, birth.latest) == (date(2015, 11, 15), date(2016, 11, 14))


def test_an_estimate_made_on_the_leap_day_spans_whole_ages() -> None:
    birth = guessed(1, date(2024, 2, 29))
    assert (birth.earliest, birth.latest) == (date(2022, 3, 1), date(2023, 2, 28))


@pytest.mark.parametrize(
    ("day", "age"),
    [
        ("2026-02-27", 17),
        ("2026-02-28", 17),
        ("2026-03-01", 18),
        ("2028-02-28", 19),
        ("2028-02-29", 20),
        ("2008-02-01", 0),
    ],
)
def test_who_is_born_on_the_leap_day_grows_older_on_the_first_of_march(day: str, age: int) -> None:
    assert dated("2008-02-29", "day").age_range_on(date.fromisoformat(day)) == (age, age)


def test_an_uncertain_birth_gives_an_age_from_to() -> None:
    birth = guessed(13, "2026-11-01")
    assert birth.age_range_on(date(2026, 11, 1)) == (13, 13)
    assert birth.age_range_on(date(2027, 3, 1)) == (13, 14)


def test_an_age_straddles_only_while_the_threshold_is_in_doubt() -> None:
    birth = dated("2012-06-15", "month")
    assert not birth.is_threshold_uncertain(14, date(2026, 5, 31))
    assert birth.is_threshold_uncertain(14, date(2026, 6, 1))
    assert birth.is_threshold_uncertain(14, date(2026, 6, 29))
    assert not birth.is_threshold_uncertain(14, date(2026, 6, 30))


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"date": "2016-13-01", "precision": "day"},
        {"date": "2016-03-01", "precision": "week"},
        {"date": None, "precision": "day"},
        {"estimated_age": -1, "estimated_on": "2026-11-14"},
        {"estimated_age": 2026, "estimated_on": "2026-11-14"},
        {"estimated_age": 7, "estimated_on": None},
    ],
)
def test_facts_that_make_no_birth_are_refused_without_their_values(known: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"birth|age|date") as refused:
        BirthRange.from_details(known)
    assert not any(str(value) in str(refused.value) for value in known.values() if value not in {None, "day"})
    assert refused.value.__cause__ is None


@given(st.integers(0, 90), DAYS, st.integers(-800, 800))
def test_an_estimate_holds_exactly_the_births_of_that_age(age: int, on: date, shift: int) -> None:
    birth = guessed(age, on)
    born = birth.earliest + timedelta(days=shift)
    exact = BirthRange(born, born)
    fits = birth.earliest <= born <= birth.latest
    assert fits == (exact.age_range_on(on) == (age, age) and born <= on)


@given(DAYS, DAYS, st.sampled_from(["day", "month", "year"]))
def test_the_true_age_lies_within_the_range(born: date, day: date, precision: str) -> None:
    true, _ = BirthRange(born, born).age_range_on(day)
    least, greatest = BirthRange.from_details({"date": born, "precision": precision}).age_range_on(day)
    assert 0 <= least <= true <= greatest <= least + 1


@given(DAYS, st.integers(0, 20000))
def test_nobody_grows_younger(born: date, later: int) -> None:
    birth = BirthRange(born, born)
    day = born + timedelta(days=later)
    assert birth.age_range_on(day) <= birth.age_range_on(day + timedelta(days=1))


@given(DAYS, st.integers(0, 17), st.integers(0, 900))
def test_agreement_is_symmetric_and_within_bounds(on: date, age: int, apart: int) -> None:
    ours, theirs = guessed(age, on), BirthRange(on, on + timedelta(days=apart))
    assert ours.similarity_to(ours) == 1
    assert 0 <= ours.similarity_to(theirs) == theirs.similarity_to(ours) <= 1


def test_a_date_within_an_estimate_agrees_fully() -> None:
    assert dated("2016-03-01", "month").similarity_to(guessed(10, "2026-11-14")) == 1


def test_an_estimate_may_be_a_year_off() -> None:
    assert dated("2015-03-01", "day").similarity_to(guessed(10, "2026-11-14")) >= 0.5
    assert guessed(9, "2026-11-14").similarity_to(guessed(10, "2026-11-14")) >= 0.9
    assert dated("2012-03-01", "day").similarity_to(guessed(10, "2026-11-14")) == 0


def test_two_dates_agree_only_when_a_slip_may_explain_them() -> None:
    birth = dated("2016-03-04", "day")
    assert birth.similarity_to(dated("2016-04-03", "day")) > 0.5
    assert birth.similarity_to(dated("2017-03-04", "day")) == 0


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-11-30", 3, "2027-02-28"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2026-08-31", 1, "2026-09-30"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-31", -2, "2025-11-30"),
        ("2026-05-05", 24, "2028-05-05"),
        ("2026-05-05", 0, "2026-05-05"),
    ],
)
def test_calendar_months_end_where_the_month_ends(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


@given(DAYS, st.integers(-300, 300))
def test_added_months_land_in_the_right_month_and_never_on_a_later_day(day: date, n: int) -> None:
    moved = add_months(day, n)
    assert (moved.year - day.year) * 12 + moved.month - day.month == n
    assert moved.day <= day.day
    assert moved.day == day.day or (moved + timedelta(days=1)).day == 1


def test_today_is_cambodia_s_date() -> None:
    before, answer, after = datetime.now(UTC), today(), datetime.now(UTC)
    assert before.astimezone(CAMBODIA_TIMEZONE).date() <= answer <= after.astimezone(CAMBODIA_TIMEZONE).date()
    assert CAMBODIA_TIMEZONE.utcoffset(
        datetime(2026, 6, 1, tzinfo=CAMBODIA_TIMEZONE).replace(tzinfo=None)
    ) == timedelta(hours=7)
