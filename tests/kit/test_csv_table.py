"""The rows of a CSV text: titles above the headings, totals at the end, and texts in another encoding than UTF-8."""

import pytest

from app.errors import InvalidInput
from app.kit.csv_table import MAX_TITLE_ROWS, CsvTable, parse_csv
from app.kit.csv_values import keep_text, normalize_number

HEADINGS = "day,amount,note\n"
RECORD = "2026-11-02,5,x\n"


def parse(text: str) -> CsvTable:
    return parse_csv(text, {"day": keep_text, "amount": normalize_number}, {"note": keep_text})


def get_code(text: str) -> str:
    with pytest.raises(InvalidInput) as raised:
        parse(text)
    return raised.value.faults[0].code


@pytest.mark.parametrize(
    "titles",
    [
        "Deposits\n",
        'Deposits,,\n\nFund: "North",Nov 2026\n',
        "amount,note,number\n",
        "Deposits;;\n" * MAX_TITLE_ROWS,
    ],
)
def test_title_rows_above_the_headings_are_skipped_and_reported(titles: str) -> None:
    table = parse(titles + HEADINGS + RECORD)
    lines = [number for number, line in enumerate(titles.splitlines(), 1) if line]
    assert table.skipped == [(number, "title") for number in lines]
    assert [(row.line, row.codes) for row in table.rows] == [(len(titles.splitlines()) + 2, [])]


def test_headings_below_too_many_title_rows_are_not_found() -> None:
    assert get_code("Deposits\n" * (MAX_TITLE_ROWS + 1) + HEADINGS + RECORD) == "headings_missing"


@pytest.mark.parametrize(
    "total",
    [
        "Total,5,\n",
        "TOTAL:,5,\n",
        ",Total 5\n",
        "សរុប,5,\n",
        "Grand total,5,\n",
        "Total\n",
        "Subtotal,5,\n,,\nTotal,5,\n",
    ],
)
def test_total_rows_at_the_end_are_skipped_and_reported(total: str) -> None:
    if total == ",Total 5\n":  # a number behind the word can be a reference
        assert [row.codes for row in parse(HEADINGS + RECORD + total).rows] == [[], ["columns_unfit"]]
        return
    table = parse(HEADINGS + RECORD + total)
    assert [row.line for row in table.rows] == [2]
    assert table.skipped == [
        (number, "total") for number, text in enumerate(total.splitlines(), 3) if text.strip(",")
    ]


def test_total_row_above_the_last_record_is_not_skipped() -> None:
    table = parse(HEADINGS + "Total,5,\n" + RECORD)
    assert ([row.line for row in table.rows], table.skipped) == ([2, 3], [])


def test_text_with_totals_only_is_rejected() -> None:
    assert get_code(HEADINGS + "Total,0,\n") == "lines_unfit"


@pytest.mark.parametrize(
    ("encoding", "read_as"),
    [("utf-8-sig", "cp1252"), ("utf-16", "latin-1"), ("utf-16-be", "utf-8"), ("utf-8", "cp1252"), ("cp1252", "utf-8"),
     ("utf-16", "utf-8")],
)  # fmt: skip
def test_text_that_was_read_with_a_wrong_encoding_is_rejected(encoding: str, read_as: str) -> None:
    note = "café" if encoding == "cp1252" else "ឡ"
    text = HEADINGS + f"2026-11-02,5,{note}\n"
    content = text.encode(encoding)
    assert get_code(content.decode(read_as, errors="replace")) == "encoding_wrong"
    assert parse("\ufeff" + text).rows[0].codes == []


@pytest.mark.parametrize("note", ["Ngô Bảo Châu", "naïve café", "ក្រុមហ៊ុន", "á la carte", "Ÿ", "ÿþ"])
def test_correct_text_has_no_mark_of_a_wrong_encoding(note: str) -> None:
    assert parse(HEADINGS + f"2026-11-02,5,{note}\n").rows[0].values["note"] == note
