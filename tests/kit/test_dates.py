"""Ranges and similarity of birth dates, ages, and calendar months."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange, add_months, get_birthday, today

DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))


def birth_from_date(day: str, precision: str) -> BirthRange:
    return BirthRange.from_details({"date": day, "precision": precision})


def birth_from_estimated_age(age: int, on: str | date) -> BirthRange:
    return BirthRange.from_details({"estimated_age": age, "estimated_on": on})


def test_birth_date_with_day_precision_is_one_day() -> None:
    birth = birth_from_date("2016-03-14", "day")
    assert birth.earliest == birth.latest == date(2016, 3, 14)


def test_birth_date_with_month_precision_covers_the_month() -> None:
    birth = birth_from_date("2016-02-01", "month")
    assert (birth.earliest, birth.latest) == (date(2016, 2, 1), date(2016, 2, 29))


def test_birth_date_with_year_precision_covers_the_year() -> None:
    birth = birth_from_date("2016-07-09", "year")
    assert (birth.earliest, birth.latest) == (date(2016, 1, 1), date(2016, 12, 31))


def test_birth_date_can_be_a_date_object() -> None:
    assert BirthRange.from_details({"date": date(2016, 3, 14), "precision": "day"}) == birth_from_date(
        "2016-03-14", "day"
    )


def test_estimated_age_covers_all_birth_dates_of_that_age() -> None:
    birth = birth_from_estimated_age(10, "2026-11-14")
    assert (birth.earliest, birth.latest) == (date(2015, 11, 15), date(2016, 11, 14))


def test_age_estimated_on_a_leap_day_covers_all_birth_dates_of_that_age() -> None:
    birth = birth_from_estimated_age(1, date(2024, 2, 29))
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
def test_age_of_child_born_on_leap_day_increases_on_the_first_of_march(day: str, age: int) -> None:
    assert birth_from_date("2008-02-29", "day").age_range_on(date.fromisoformat(day)) == (age, age)


@given(born=DAYS | st.sampled_from([date(2008, 2, 29), date(2012, 2, 29)]), years=st.integers(0, 30))
def test_birthday_is_the_first_day_on_which_a_person_has_an_age(born: date, years: int) -> None:
    birthday, birth = get_birthday(born, years), BirthRange(born, born)
    assert birth.age_range_on(birthday) == (years, years)
    assert years == 0 or birth.age_range_on(birthday - timedelta(days=1)) == (years - 1, years - 1)


def test_18th_birthday_of_child_born_on_leap_day_is_on_the_first_of_march() -> None:
    assert get_birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert get_birthday(date(2008, 2, 29), 20) == date(2028, 2, 29)


def test_age_of_estimated_birth_date_is_a_range() -> None:
    birth = birth_from_estimated_age(13, "2026-11-01")
    assert birth.age_range_on(date(2026, 11, 1)) == (13, 13)
    assert birth.age_range_on(date(2027, 3, 1)) == (13, 14)


def test_threshold_is_uncertain_only_inside_the_age_range() -> None:
    birth = birth_from_date("2012-06-15", "month")
    assert not birth.is_threshold_uncertain(14, date(2026, 5, 31))
    assert birth.is_threshold_uncertain(14, date(2026, 6, 1))
    assert birth.is_threshold_uncertain(14, date(2026, 6, 29))
    assert not birth.is_threshold_uncertain(14, date(2026, 6, 30))


@pytest.mark.parametrize(
    "details",
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
def test_error_for_invalid_birth_date_does_not_quote_it(
    details: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=r"birth|age|date") as error:
        BirthRange.from_details(details)
    assert not any(str(value) in str(error.value) for value in details.values() if value not in {None, "day"})
    assert error.value.__cause__ is None


@given(st.integers(0, 90), DAYS, st.integers(-800, 800))
def test_range_of_estimated_age_contains_exactly_the_birth_dates_of_that_age(
    age: int, estimated_on: date, shift: int
) -> None:
    birth = birth_from_estimated_age(age, estimated_on)
    born = birth.earliest + timedelta(days=shift)
    exact_birth = BirthRange(born, born)
    is_in_range = birth.earliest <= born <= birth.latest
    assert is_in_range == (exact_birth.age_range_on(estimated_on) == (age, age) and born <= estimated_on)


@given(DAYS, DAYS, st.sampled_from(["day", "month", "year"]))
def test_true_age_is_within_the_age_range(born: date, day: date, precision: str) -> None:
    true_age, _ = BirthRange(born, born).age_range_on(day)
    lowest, highest = BirthRange.from_details({"date": born, "precision": precision}).age_range_on(day)
    assert 0 <= lowest <= true_age <= highest <= lowest + 1


@given(DAYS, st.integers(0, 20000))
def test_age_never_decreases(born: date, days: int) -> None:
    birth = BirthRange(born, born)
    day = born + timedelta(days=days)
    assert birth.age_range_on(day) <= birth.age_range_on(day + timedelta(days=1))


@given(DAYS, st.integers(0, 17), st.integers(0, 900))
def test_similarity_of_birth_dates_is_symmetric_and_between_zero_and_one(
    on: date, age: int, days: int
) -> None:
    first, second = birth_from_estimated_age(age, on), BirthRange(on, on + timedelta(days=days))
    assert first.similarity_to(first) == 1
    assert 0 <= first.similarity_to(second) == second.similarity_to(first) <= 1


def test_similarity_is_one_for_a_birth_date_within_an_estimate() -> None:
    assert (
        birth_from_date("2016-03-01", "month").similarity_to(birth_from_estimated_age(10, "2026-11-14")) == 1
    )


def test_similarity_with_an_estimate_is_above_half_within_one_year() -> None:
    assert (
        birth_from_date("2015-03-01", "day").similarity_to(birth_from_estimated_age(10, "2026-11-14")) >= 0.5
    )
    assert (
        birth_from_estimated_age(9, "2026-11-14").similarity_to(birth_from_estimated_age(10, "2026-11-14"))
        >= 0.9
    )
    assert birth_from_date("2012-03-01", "day").similarity_to(birth_from_estimated_age(10, "2026-11-14")) == 0


def test_similarity_of_two_recorded_birth_dates_is_zero_above_half_a_year() -> None:
    birth = birth_from_date("2016-03-04", "day")
    assert birth.similarity_to(birth_from_date("2016-04-03", "day")) > 0.5
    assert birth.similarity_to(birth_from_date("2017-03-04", "day")) == 0


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
def test_add_months_returns_last_day_of_a_shorter_month(day: str, months: int, expected: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(expected)


@given(DAYS, st.integers(-300, 300))
def test_add_months_returns_the_target_month_and_no_later_day(day: date, months: int) -> None:
    result = add_months(day, months)
    assert (result.year - day.year) * 12 + result.month - day.month == months
    assert result.day <= day.day
    assert result.day == day.day or (result + timedelta(days=1)).day == 1


def test_today_is_the_date_in_cambodia() -> None:
    before, result, after = datetime.now(UTC), today(), datetime.now(UTC)
    assert before.astimezone(CAMBODIA_TIMEZONE).date() <= result <= after.astimezone(CAMBODIA_TIMEZONE).date()
    assert CAMBODIA_TIMEZONE.utcoffset(
        datetime(2026, 6, 1, tzinfo=CAMBODIA_TIMEZONE).replace(tzinfo=None)
    ) == timedelta(hours=7)
