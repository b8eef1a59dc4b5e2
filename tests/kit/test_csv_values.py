"""Numbers and dates as spreadsheets write them: normalized, or rejected if they are ambiguous."""

import pytest

from app.kit.csv_values import (
    AmbiguousValue,
    build_date_normalizer,
    normalize_number,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.50", "1234.50"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1 234,50", "1234.50"),
        ("1\u00a0234.50", "1234.50"), ("1\u202f234,5", "1234.5"), ("1'234.50", "1234.50"), ("1’234", "1234"),
        ("12,5", "12.5"), ("12,50", "12.50"), ("1,234", "1234"), ("1,234,567", "1234567"), ("1.234.567", "1234567"),
        ("1.234.567,25", "1234567.25"), ("១,២៣៤.៥០", "1234.50"), ("៤១០៥", "4105"), ("1234", "1234"),
        ("0.50", "0.50"), ("0,50", "0.50"), ("-3", "-3"),
    ],
)  # fmt: skip
def test_number_is_normalized(text: str, number: str) -> None:
    assert normalize_number(text) == number


@pytest.mark.parametrize(
    "text", ["12,34,567", "1,23", "1.2.3", "0.125", "4105.125", "1,234.567,8", "x", "", "1e3", "١٢٣x"]
)
def test_number_in_another_form_is_not_guessed(text: str) -> None:
    # The validation of the line rejects what is not a number.
    assert normalize_number(text) in {text, text.replace(",", "."), "123x"}


@pytest.mark.parametrize("text", ["1.234", "4.105", "123.456"])
def test_number_with_one_point_and_three_digits_is_ambiguous(text: str) -> None:
    with pytest.raises(AmbiguousValue, match="number_ambiguous"):
        normalize_number(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", "2026-11-30"), ("2026/11/30", "2026-11-30"), ("30/11/2026", "2026-11-30"),
        ("11/30/2026", "2026-11-30"), ("30.11.2026", "2026-11-30"), ("30-11-2026", "2026-11-30"),
        ("4/4/2026", "2026-04-04"), ("46356", "2026-11-30"), ("46356.0", "2026-11-30"), ("៤៦៣៥៦", "2026-11-30"),
        ("30-Nov-2026", "2026-11-30"), ("30 November 2026", "2026-11-30"), ("Nov 30, 2026", "2026-11-30"),
        ("1 Sept 2026", "2026-09-01"), ("៣០ វិច្ឆិកា ២០២៦", "2026-11-30"), ("៣០/១១/២០២៦", "2026-11-30"),
        ("2026-11-30 00:00:00", "2026-11-30"), ("2026-11-30T00:00:00", "2026-11-30"),
        ("30/11/2026 12:00 AM", "2026-11-30"),
    ],
)  # fmt: skip
def test_date_is_normalized(text: str, day: str) -> None:
    assert build_date_normalizer(None)(text) == day


@pytest.mark.parametrize("text", ["03/04/2026", "3.4.2026", "3-4-2026", "០៣/០៤/២០២៦", "03/04/2026 00:00"])
def test_date_with_exchangeable_day_and_month_is_rejected_unless_the_order_is_known(text: str) -> None:
    # Planted: `order` ignored, and day first assumed.
    with pytest.raises(AmbiguousValue, match="date_ambiguous"):
        build_date_normalizer(None)(text)
    assert build_date_normalizer("day_first")(text) == "2026-04-03"
    assert build_date_normalizer("month_first")(text) == "2026-03-04"


@pytest.mark.parametrize(
    "text",
    ["30/11/26", "2026-02-30", "31/11/2026", "30-Smarch-2026", "46356.5", "2026-11-30 09:15", "1", "soon"],
)
def test_date_in_another_form_is_not_guessed(text: str) -> None:
    assert build_date_normalizer(None)(text) == text


def test_date_that_contradicts_the_order_is_not_guessed() -> None:
    assert build_date_normalizer("month_first")("30/11/2026") == "30/11/2026"
    assert build_date_normalizer("day_first")("11/30/2026") == "11/30/2026"
