"""Numbers and dates as spreadsheets write them: normalized, or rejected if they are ambiguous."""

import pytest

from app.kit.csv_values import CellValue, build_amount_normalizer, build_date_normalizer, normalize_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.50", "1234.50"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1 234,50", "1234.50"),
        ("1\u00a0234.50", "1234.50"), ("1\u202f234,5", "1234.5"), ("1'234.50", "1234.50"), ("1’234", "1234"),
        ("12,5", "12.5"), ("12,50", "12.50"), ("1,234", "1234"), ("1,234,567", "1234567"), ("1.234.567", "1234567"),
        ("1.234.567,25", "1234567.25"), ("១,២៣៤.៥០", "1234.50"), ("៤១០៥", "4105"), ("1234", "1234"),
        ("0.50", "0.50"), ("0,50", "0.50"),
    ],
)  # fmt: skip
def test_number_is_normalized(text: str, number: str) -> None:
    value = normalize_number(text)
    assert (value.text, value.code) == (number, None)


@pytest.mark.parametrize(
    "text", ["12,34,567", "1,23", "1.2.3", "0.125", "4105.125", "1,234.567,8", "x", "", "1e3", "١٢٣x"]
)
def test_number_in_another_form_is_not_guessed(text: str) -> None:
    # The validation of the line rejects what is not a number.
    assert normalize_number(text).text in {text, text.replace(",", "."), "123x"}


@pytest.mark.parametrize("text", ["1.234", "4.105", "123.456"])
def test_number_with_one_point_and_three_digits_is_ambiguous(text: str) -> None:
    expected = CellValue(text.replace(".", ""), ("thousands_separator",), "number_ambiguous")
    assert normalize_number(text) == expected


@pytest.mark.parametrize(
    ("text", "number", "readings"),
    [
        ("(50)", "-50", ("negative_in_parentheses",)), ("（៥០）", "-50", ("negative_in_parentheses",)), ("-3", "-3", ()),
        ("50-", "-50", ()), ("−1,234.50", "-1234.50", ()),
    ],
)  # fmt: skip
def test_negative_number_has_a_fault(text: str, number: str, readings: tuple[str, ...]) -> None:
    assert normalize_number(text) == CellValue(number, readings, "amount_negative")  # type: ignore[arg-type]  # a tuple of literals


@pytest.mark.parametrize(
    ("currency", "text", "number"),
    [
        ("USD", "$1234", "1234"), ("USD", "US$ 1,234.50", "1234.50"), ("USD", "USD 12", "12"), ("USD", "12 usd", "12"),
        ("USD", "១២ ដុល្លារ", "12"), ("KHR", "៛ 50 000", "50000"), ("KHR", "50.000៛", "50000"), ("KHR", "KHR 50,000", "50000"),
        ("KHR", "៥០០០ រៀល", "5000"), ("KHR", "50.000", "50000"),
    ],
)  # fmt: skip
def test_sign_of_the_currency_is_removed(currency: str, text: str, number: str) -> None:
    value = build_amount_normalizer(currency, is_whole=currency == "KHR")(text)
    assert (value.text, value.code) == (number, None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("៛ 50 000", "currency_other"), ("50 KHR", "currency_other"), ("€5", "currency_other"), ("12 THB", "currency_other"),
        ("$ (50)", "amount_negative"), ("-$50", "amount_negative"), ("($50)", "amount_negative"), ("$1.234", "number_ambiguous"),
    ],
)  # fmt: skip
def test_negative_ambiguous_or_foreign_amount_has_a_fault(text: str, code: str) -> None:
    assert build_amount_normalizer("USD", is_whole=False)(text).code == code


@pytest.mark.parametrize("text", ["1$234", "5 apples", "$", "", "USD", "1 234 5"])
def test_text_that_is_not_an_amount_is_unchanged(text: str) -> None:
    assert build_amount_normalizer("USD", is_whole=False)(text) == CellValue(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-30", "2026-11-30"), ("2026/11/30", "2026-11-30"), ("30/11/2026", "2026-11-30"),
        ("11/30/2026", "2026-11-30"), ("30.11.2026", "2026-11-30"), ("30-11-2026", "2026-11-30"),
        ("4/4/2026", "2026-04-04"), ("46356", "2026-11-30"), ("46356.0", "2026-11-30"), ("៤៦៣៥៦", "2026-11-30"),
        ("30-Nov-2026", "2026-11-30"), ("30 November 2026", "2026-11-30"), ("Nov 30, 2026", "2026-11-30"),
        ("1 Sept 2026", "2026-09-01"), ("៣០ វិច្ឆិកា ២០២៦", "2026-11-30"), ("៣០/១១/២០២៦", "2026-11-30"),
        ("2026-11-30 00:00:00", "2026-11-30"), ("2026-11-30T00:00:00", "2026-11-30"),
        ("30/11/2026 12:00 AM", "2026-11-30"), ("30-Nov-26", "2026-11-30"), ("30/11/26", "2026-11-30"),
        ("30.11.26", "2026-11-30"), ("Nov 30, '26", "2026-11-30"), ("30 វិច្ឆិកា 2026", "2026-11-30"),
        ("ថ្ងៃទី៣០ ខែវិច្ឆិកា ឆ្នាំ២០២៦", "2026-11-30"), ("30/11/2569", "2026-11-30"), ("2569-11-30", "2026-11-30"),
        ("30 Nov 2569", "2026-11-30"), ("20261130", "2026-11-30"),
    ],
)  # fmt: skip
def test_date_is_normalized(text: str, day: str) -> None:
    value = build_date_normalizer(None)(text)
    assert (value.text, value.code) == (day, None)


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("30-Nov-26", ("two_digit_year",)), ("30/11/2569", ("buddhist_era",)), ("46356", ("serial_number",)),
        ("30/11/2026", ()), ("2026-11-30", ()),
    ],
)  # fmt: skip
def test_interpretation_of_a_date_is_reported(text: str, readings: tuple[str, ...]) -> None:
    assert build_date_normalizer(None)(text).readings == readings


@pytest.mark.parametrize(
    "text", ["03/04/2026", "3.4.2026", "3-4-2026", "០៣/០៤/២០២៦", "03/04/2026 00:00", "03/04/26", "3/4/2569"]
)
def test_date_with_exchangeable_day_and_month_is_ambiguous_unless_the_order_is_known(text: str) -> None:
    value = build_date_normalizer(None)(text)
    assert (value.text, value.readings[0], value.code) == ("2026-04-03", "day_first", "date_ambiguous")
    for order, day in (("day_first", "2026-04-03"), ("month_first", "2026-03-04")):
        value = build_date_normalizer(order)(text)  # type: ignore[arg-type]  # one of the literals
        assert (value.text, value.readings[0], value.code) == (day, order, None)


@pytest.mark.parametrize(
    "text",
    [
        "30/11/126",
        "2026-02-30",
        "31/11/26",
        "30-Smarch-2026",
        "46356.5",
        "2026-11-30 09:15",
        "1",
        "soon",
        "30 11",
    ],
)
def test_date_in_another_form_is_not_guessed(text: str) -> None:
    assert build_date_normalizer(None)(text) == CellValue(text)


def test_date_that_contradicts_the_order_is_not_guessed() -> None:
    assert build_date_normalizer("month_first")("30/11/2026") == CellValue("30/11/2026")
    assert build_date_normalizer("day_first")("11/30/2026") == CellValue("11/30/2026")
