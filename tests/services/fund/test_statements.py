"""Fund statements for donors, and imports of deposits and exchange rates."""

import io
import zipfile

import pytest
from pypdf import PdfReader

from app.kit.dates import add_months, today
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    create_paid_disbursement,
    payment_payload,
    statement_path,
    upload_receipt,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


async def test_statement_is_balanced_and_contains_no_data_of_children(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "100.00")
    for spent in ("10.00", "12.50"):
        receipt_id = await upload_receipt(scenario, case)
        disbursement = await create_paid_disbursement(scenario, case, fund)
        await act_on_disbursement(
            scenario.finance,
            disbursement,
            "reconcile",
            {"spent": usd(spent), "receipt_document_ids": [receipt_id]},
        )
    await create_paid_disbursement(scenario, case, fund, usd("5.00"))
    await create_approved_disbursement(scenario, case, fund, usd("3.00"))
    path = statement_path(fund)
    statement = expect_json(await scenario.finance.get(path))
    fields = ("opening", "deposits", "spent", "closing")
    assert [statement[name]["amount"] for name in fields] == ["0.00", "100.00", "0.00", "100.00"]
    assert statement["lines"] == []
    for identifier in (case["child_id"], case["number"], case["id"]):
        assert identifier not in str(statement)
    next_path = statement_path(fund, add_months(today(), 1))
    next_statement = expect_json(await scenario.manager.get(next_path))
    assert [next_statement[name]["amount"] for name in fields] == ["100.00", "0.00", "0.00", "100.00"]
    assert (await scenario.worker_north.get(path)).status_code == 403

    spreadsheet = await scenario.finance.get(f"{path}/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(spreadsheet.content)) as archive:
        texts = archive.read("xl/sharedStrings.xml").decode()
    assert "Friends of Cambodia" in texts
    pdf = await scenario.finance.get(f"{path}/statement.pdf", headers={"accept-language": "km"})
    (page,) = PdfReader(io.BytesIO(pdf.content)).pages
    assert "100.00" in page.extract_text()
    assert "attachment" in pdf.headers["content-disposition"]


async def test_spreadsheet_stores_a_formula_in_a_name_as_text(scenario: Scenario) -> None:
    # Catches: `strings_to_formulas` not set, and `write` instead of `write_string`.
    donor = '=HYPERLINK("http://127.0.0.1/","Donor")'
    fund = await create_fund(scenario, donor=donor)
    spreadsheet = await scenario.finance.get(f"{statement_path(fund)}/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(spreadsheet.content)) as archive:
        assert "HYPERLINK" in archive.read("xl/sharedStrings.xml").decode()
        assert "<f>" not in archive.read("xl/worksheets/sheet1.xml").decode()


async def test_statement_includes_remainders_of_closed_funds_and_counts_reversed_payments(
    scenario: Scenario,
) -> None:
    case, fund, second_fund, third_fund = (
        await scenario.open_case(),
        *[await create_fund(scenario, name=name) for name in "abc"],
    )
    for _ in range(5):
        receipt_id = await upload_receipt(scenario, case)
        disbursement = await create_paid_disbursement(scenario, case, second_fund)
        reconciliation = {"spent": usd("12.50"), "receipt_document_ids": [receipt_id]}
        disbursement = await act_on_disbursement(scenario.finance, disbursement, "reconcile", reconciliation)
        await act_on_disbursement(
            scenario.finance, disbursement, "reverse", {"reason": "Paid by the school."}
        )
    for closed_fund, receiving_fund in ((fund, second_fund), (second_fund, third_fund)):
        expect_json(await scenario.manager.get(f"/v1/funds/{closed_fund['id']}"))
        closure = {"reason": "It ends.", "rest_to_fund_id": receiving_fund["id"]}
        expect_json(await scenario.manager.act(f"/v1/funds/{closed_fund['id']}", "close", closure))
    statement = expect_json(await scenario.finance.get(statement_path(second_fund)))
    fields = ("deposits", "received", "given_back", "spent", "closing")
    assert [statement[name]["amount"] for name in fields] == ["1000.00", "1000.00", "2000.00", "0.00", "0.00"]
    assert [(line["category"], line["spent"]["amount"], line["payments"]) for line in statement["lines"]] == [
        ("transport", "0.00", 5)
    ]


@pytest.mark.parametrize(
    ("first_day", "last_day", "codes"),
    [
        ("2026-11-30", "2026-11-30", ["month_incomplete"]),
        ("2026-11-01", "2026-11-29", ["month_incomplete"]),
        ("2026-11-02", "2026-12-01", ["month_incomplete", "month_incomplete"]),
        ("2026-12-01", "2026-10-31", ["period_reversed"]),
        ("2026-02-01", "2026-02-28", []),
        ("2024-02-01", "2024-02-28", ["month_incomplete"]),
        ("2026-01-01", "2026-12-31", []),
    ],
)
async def test_statement_covers_whole_months(
    scenario: Scenario, first_day: str, last_day: str, codes: list[str]
) -> None:
    # Two statements that differ by one day would show the payments of that day.
    fund = await create_fund(scenario)
    for file in ("", "/statement.xlsx", "/statement.pdf"):
        response = await scenario.finance.get(
            f"/v1/funds/{fund['id']}/statements/{first_day}/{last_day}{file}"
        )
        assert response.status_code == (422 if codes else 200)
        if codes:
            assert [error["code"] for error in response.json()["errors"]] == codes


async def test_statement_reports_a_small_category_only_when_the_fund_is_closed(scenario: Scenario) -> None:
    # Catches: `closed_month` always None. The balance of a closed fund is then not zero.
    case, fund = await scenario.open_case(), await create_fund(scenario, "36.00")
    for index in range(12):
        category = "transport" if index < 6 else "education" if index < 11 else "health_care"
        disbursement = await create_disbursement(scenario, case, usd("3.00"), category=category)
        approval = {"fund_id": fund["id"]}
        await act_on_disbursement(scenario.supervisor_north, disbursement, "approve", approval)
        await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload(usd("3.00")))
        receipts = [await upload_receipt(scenario, case)]
        payload = {"spent": usd("3.00"), "receipt_document_ids": receipts}
        await act_on_disbursement(scenario.finance, disbursement, "reconcile", payload)
    statement = expect_json(await scenario.finance.get(statement_path(fund)))
    large_categories = [
        {"category": "education", "spent": usd("15.00"), "payments": 5},
        {"category": "transport", "spent": usd("18.00"), "payments": 6},
    ]
    assert (statement["lines"], statement["spent"], statement["closing"]) == (
        large_categories, usd("33.00"), usd("3.00"),
    )  # fmt: skip
    closure = {"reason": "The grant ends."}
    expect_json(await scenario.manager.act(f"/v1/funds/{fund['id']}", "close", closure))
    closed = expect_json(await scenario.finance.get(statement_path(fund)))
    rest = {"category": None, "spent": usd("3.00"), "payments": None}
    assert (closed["lines"], closed["spent"], closed["closing"]) == (
        [*large_categories, rest], usd("36.00"), usd("0.00"),
    )  # fmt: skip


async def test_deposit_import_checks_every_line_and_imports_all_or_none(scenario: Scenario) -> None:
    fund, day = await create_fund(scenario, ""), today().isoformat()
    path = f"/v1/funds/{fund['id']}/deposits/import"
    valid_csv = f"received_on,amount,reference\n{day},10.00,A-1\n{day},2.50,A-2\n"
    invalid_csv = valid_csv + f"{day},-3,A-3\n2030-01-01,1.00,A-4\n{day},1.00,A-2\n{day},1.00\n"
    report = expect_json(await scenario.finance.post(path, {"csv": invalid_csv, "dry_run": False}))
    assert (report["entered"], [line["codes"] for line in report["lines"]]) == (
        0, [[], [], ["amount_negative"], ["date_in_future"], ["already_entered"], ["columns_unfit"]],
    )  # fmt: skip
    assert expect_json(await scenario.finance.post(path, {"csv": valid_csv}))["entered"] == 0
    assert (
        expect_json(await scenario.finance.post(path, {"csv": valid_csv, "dry_run": False}))["entered"] == 2
    )
    repeated = expect_json(await scenario.finance.post(path, {"csv": valid_csv, "dry_run": False}))
    assert [line["codes"] for line in repeated["lines"]] == [["already_entered"], ["already_entered"]]
    balances = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}"))["balances"]
    assert balances["available"] == usd("12.50")
    for malformed in ("amount\n1\n", 'received_on,amount,reference\n"x', "received_on,amount,reference\n"):
        assert (await scenario.finance.post(path, {"csv": malformed})).status_code == 422


async def test_exchange_rate_import_creates_rates(scenario: Scenario) -> None:
    day = today().isoformat()
    csv = f"on,rate,source\n{day},4105.00,National Bank of Cambodia\n{day},4110.00,A fund changer\n"
    result = expect_json(
        await scenario.finance.post("/v1/exchange-rates/import", {"csv": csv, "dry_run": False})
    )
    assert result["entered"] == 2
    rates = expect_json(await scenario.worker_north.get("/v1/exchange-rates"))["items"]
    assert {rate["rate"] for rate in rates} == {"4105.00", "4110.00"}
