"""Fund statements for donors, and imports of deposits and exchange rates."""

import io
import zipfile
from datetime import timedelta

from pypdf import PdfReader

from app.kit.dates import today
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_fund,
    create_paid_disbursement,
    upload_receipt,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


async def test_statement_is_balanced_and_contains_no_data_of_children(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "100.00")
    receipt_id = await upload_receipt(scenario, case)
    for spent in ("10.00", "12.50"):
        disbursement = await create_paid_disbursement(scenario, case, fund)
        await act_on_disbursement(
            scenario.finance,
            disbursement,
            "reconcile",
            {"spent": usd(spent), "receipt_document_ids": [receipt_id]},
        )
    await create_paid_disbursement(scenario, case, fund, usd("5.00"))
    await create_approved_disbursement(scenario, case, fund, usd("3.00"))
    day = today().isoformat()
    path = f"/v1/funds/{fund['id']}/statements/{day}/{day}"
    statement = expect_json(await scenario.finance.get(path))
    fields = ("opening", "deposits", "spent", "closing", "reserved", "advanced")
    assert [statement[name]["amount"] for name in fields] == [
        "0.00",
        "100.00",
        "22.50",
        "77.50",
        "3.00",
        "5.00",
    ]
    assert statement["lines"] == [{"category": "transport", "spent": usd("22.50"), "payments": None}]
    for identifier in (case["child_id"], case["number"], case["id"]):
        assert identifier not in str(statement)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    next_statement = expect_json(
        await scenario.manager.get(f"/v1/funds/{fund['id']}/statements/{tomorrow}/{tomorrow}")
    )
    assert [next_statement[name]["amount"] for name in fields] == [
        "77.50",
        "0.00",
        "0.00",
        "77.50",
        "3.00",
        "5.00",
    ]
    assert (
        await scenario.finance.get(f"/v1/funds/{fund['id']}/statements/{tomorrow}/{day}")
    ).status_code == 422
    assert (await scenario.worker_north.get(path)).status_code == 403

    spreadsheet = await scenario.finance.get(f"{path}/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(spreadsheet.content)) as archive:
        texts = archive.read("xl/sharedStrings.xml").decode()
    assert "Friends of Cambodia" in texts
    pdf = await scenario.finance.get(f"{path}/statement.pdf", headers={"accept-language": "km"})
    (page,) = PdfReader(io.BytesIO(pdf.content)).pages
    assert "22.50" in page.extract_text()
    assert "attachment" in pdf.headers["content-disposition"]


async def test_statement_includes_remainders_of_closed_funds_and_counts_reversed_payments(
    scenario: Scenario,
) -> None:
    case, fund, second_fund, third_fund = (
        await scenario.open_case(),
        *[await create_fund(scenario, name=name) for name in "abc"],
    )
    receipt_id = await upload_receipt(scenario, case)
    for _ in range(5):
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
    day = today().isoformat()
    statement = expect_json(
        await scenario.finance.get(f"/v1/funds/{second_fund['id']}/statements/{day}/{day}")
    )
    fields = ("deposits", "received", "given_back", "spent", "closing")
    assert [statement[name]["amount"] for name in fields] == ["1000.00", "1000.00", "2000.00", "0.00", "0.00"]
    assert [(line["spent"]["amount"], line["payments"]) for line in statement["lines"]] == [("0.00", 5)]


async def test_deposit_import_checks_every_line_and_imports_all_or_none(scenario: Scenario) -> None:
    fund, day = await create_fund(scenario, ""), today().isoformat()
    path = f"/v1/funds/{fund['id']}/deposits/import"
    valid_csv = f"received_on,amount,reference\n{day},10.00,A-1\n{day},2.50,A-2\n"
    invalid_csv = valid_csv + f"{day},-3,A-3\n2030-01-01,1.00,A-4\n{day},1.00,A-2\n{day},1.00\n"
    report = expect_json(await scenario.finance.post(path, {"csv": invalid_csv, "dry_run": False}))
    assert (report["entered"], [line["codes"] for line in report["lines"]]) == (
        0, [[], [], ["string_pattern_mismatch"], ["date_in_future"], ["already_entered"], ["columns_unfit"]],
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
