"""CSV imports of deposits and exchange rates: separators, headings, empty rows and the report of each line."""

from typing import Any

import pytest

from tests.support.fund import create_deposit, create_fund, usd
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

DAY = "2026-11-02"


async def import_deposits(
    scenario: Scenario, fund: dict[str, Any], csv: str, **changes: Any
) -> dict[str, Any]:
    payload = {"csv": csv, "dry_run": False, **changes}
    return expect_json(await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits/import", payload))


@pytest.mark.parametrize(
    "csv",
    [
        "Received_On;AMOUNT;Reference\n2/11/2026;1.234,50;A-1\n",
        "received on\tAmount\treference\n02 Nov 2026\t1 234,50\tA-1\n",
        '\ufeffREFERENCE,"Received-on",amount\n\n,,\nA-1,46328,"1,234.50"\n,,\n',
        "sep=;\nreceived_on;amount;reference;;\n\n2026-11-02;១២៣៤,៥០;A-1;;\n;;;;\n",
        "received_on,amount,reference,line\n2026/11/02,1234.50,A-1,General\n",
        'Deposits of the fund\n\nreceived_on,amount,reference\n02-Nov-26,"$1,234.50",A-1\nTotal,"$1,234.50",\n',
        "received_on;amount;reference\n2/11/2569;USD 1.234,50;A-1\nសរុប;;\n",
    ],
)
async def test_deposits_are_imported_from_every_form_of_csv(scenario: Scenario, csv: str) -> None:
    fund = await create_fund(scenario, "")
    result = await import_deposits(scenario, fund, csv, date_order="day_first")
    assert (result["entered"], [line["codes"] for line in result["lines"]]) == (1, [[]])
    (deposit,) = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}/deposits"))["items"]
    assert (deposit["received_on"], deposit["amount"], deposit["reference"]) == (DAY, usd("1234.50"), "A-1")


async def test_import_reports_normalized_and_ambiguous_values_of_each_line(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "")
    csv = (
        "received_on;amount;reference\n"
        "2026-11-02;10.00;A-1\n"
        ";;\n"
        "03/04/2026;១០,៥០;A-2\n"
        "30/10/2026;1.234;A-3\n"
        "30/13/2026;1;A-4\n"
        "2026-11-02;5\n"
        "2026-11-02;5;A-5;x\n"
    )
    unknown_heading = f"received_on,amount,reference,note\n{DAY},1.00,A-6,x\n"
    result = await import_deposits(scenario, fund, unknown_heading)
    assert [line["codes"] for line in result["lines"]] == [["extra_forbidden"]]
    result = await import_deposits(scenario, fund, csv)
    assert result["entered"] == 0
    assert [(line["line"], line["codes"]) for line in result["lines"]] == [
        (2, []), (4, ["date_ambiguous"]), (5, ["number_ambiguous"]), (6, ["date_parsing"]),
        (7, ["columns_unfit"]), (8, ["columns_unfit"]),
    ]  # fmt: skip
    assert [line["normalized"] for line in result["lines"]][:3] == [
        [],
        [
            {
                "column": "received_on",
                "original": "03/04/2026",
                "value": "2026-04-03",
                "readings": ["day_first"],
            },
            {"column": "amount", "original": "១០,៥០", "value": "10.50", "readings": []},
        ],
        [
            {"column": "received_on", "original": "30/10/2026", "value": "2026-10-30", "readings": []},
            {"column": "amount", "original": "1.234", "value": "1234", "readings": ["thousands_separator"]},
        ],
    ]
    assert expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}/deposits"))["items"] == []


async def test_import_reports_faults_and_skipped_lines(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "", "KHR")
    csv = (
        "Deposits\n"
        "received_on;amount;reference\n"
        "05/06/26;៛ 50 000;A-1\n"
        "30-Oct-26;(50);A-2\n"
        "30-Oct-26;$50;A-3\n"
        "30-Oct-26;50.000;A-4\n"
        "Total;100.050;\n"
    )
    result = await import_deposits(scenario, fund, csv)
    assert (result["entered"], result["skipped"]) == (
        0,
        [{"line": 1, "kind": "title"}, {"line": 7, "kind": "total"}],
    )
    assert [(line["line"], line["codes"]) for line in result["lines"]] == [
        (3, ["date_ambiguous"]), (4, ["amount_negative"]), (5, ["currency_other"]), (6, []),
    ]  # fmt: skip
    assert result["lines"][0]["normalized"] == [
        {"column": "received_on", "original": "05/06/26", "value": "2026-06-05", "readings": ["day_first", "two_digit_year"]},
        {"column": "amount", "original": "៛ 50 000", "value": "50000", "readings": []},
    ]  # fmt: skip


async def test_import_error_for_a_wrong_encoding_states_the_required_encoding(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "")
    payload = {"csv": "ÿþreceived_on,amount,reference\n2026-11-02,1,x\n"}
    response = await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits/import", payload)
    (fault,) = response.json()["errors"]
    assert (fault["code"], "UTF-8" in fault["detail"]) == ("encoding_wrong", True)


async def test_import_needs_a_reason_for_a_repeated_reference(scenario: Scenario) -> None:
    fund, other_fund = await create_fund(scenario, ""), await create_fund(scenario, "", name="other")
    await create_deposit(scenario, other_fund, "10.00", reference="FT-1")
    csv = f"received_on,amount,reference\n{DAY},1.00,ft 1\n{DAY},1.00,FT-2\n{DAY},1.00,ft២\n"
    result = await import_deposits(scenario, fund, csv)
    assert [line["codes"] for line in result["lines"]] == [["already_entered"], [], ["already_entered"]]
    csv = f"received_on,amount,reference,Duplicate reason\n{DAY},1.00,ft 1,Two transfers\n{DAY},1.00,FT-2,\n"
    assert (await import_deposits(scenario, fund, csv))["entered"] == 2


async def test_import_is_rejected_without_readable_headings(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "")
    for csv, code in (
        ("amount,reference\n1,x\n", "headings_missing"),
        ("received_on|amount|reference\n2026-11-02|1|x\n", "headings_missing"),
        ("received_on,amount,Amount,reference\n2026-11-02,1,2,x\n", "headings_repeated"),
        ("received_on;amount;reference\n;;\n", "lines_unfit"),
        ('received_on,amount,reference\n"x', "csv_unreadable"),
    ):
        payload = {"csv": csv, "dry_run": True}
        response = await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits/import", payload)
        assert [error["code"] for error in response.json()["errors"]] == [code], csv


async def test_exchange_rates_are_imported_from_a_localized_spreadsheet(scenario: Scenario) -> None:
    csv = "On;Rate;Source\n30/10/2026;4.105,50;National Bank\n31/10/2026;៤១០៦;National Bank\n"
    result = expect_json(
        await scenario.finance.post("/v1/exchange-rates/import", {"csv": csv, "dry_run": False})
    )
    assert result["entered"] == 2
    rates = expect_json(await scenario.worker_north.get("/v1/exchange-rates"))["items"]
    assert {(rate["on"], rate["rate"]) for rate in rates} == {
        ("2026-10-30", "4105.50"),
        ("2026-10-31", "4106.00"),
    }
