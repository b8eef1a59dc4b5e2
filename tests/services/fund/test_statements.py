"""What a donor is told of a fund: sums that come out even, and no child; and tables that are entered whole or not at all."""

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


async def test_a_statement_comes_out_even_and_shows_no_child(scenario: Scenario) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario, "100.00")
    proof = await upload_receipt(scenario, case)
    for spent in ("10.00", "12.50"):
        what = await create_paid_disbursement(scenario, case, money)
        await act_on_disbursement(
            scenario.finance, what, "reconcile", {"spent": usd(spent), "receipt_document_ids": [proof]}
        )
    await create_paid_disbursement(scenario, case, money, usd("5.00"))
    await create_approved_disbursement(scenario, case, money, usd("3.00"))
    day = today().isoformat()
    path = f"/v1/funds/{money['id']}/statements/{day}/{day}"
    told = expect_json(await scenario.finance.get(path))
    names = ("opening", "deposits", "spent", "closing", "reserved", "advanced")
    assert [told[name]["amount"] for name in names] == ["0.00", "100.00", "22.50", "77.50", "3.00", "5.00"]
    assert told["lines"] == [{"category": "transport", "spent": usd("22.50"), "payments": None}]
    for who in (case["child_id"], case["number"], case["id"]):
        assert who not in str(told)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    later = expect_json(
        await scenario.manager.get(f"/v1/funds/{money['id']}/statements/{tomorrow}/{tomorrow}")
    )
    assert [later[name]["amount"] for name in names] == ["77.50", "0.00", "0.00", "77.50", "3.00", "5.00"]
    assert (
        await scenario.finance.get(f"/v1/funds/{money['id']}/statements/{tomorrow}/{day}")
    ).status_code == 422
    assert (await scenario.worker_north.get(path)).status_code == 403

    sheet = await scenario.finance.get(f"{path}/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "Friends of Cambodia" in texts
    page = await scenario.finance.get(f"{path}/statement.pdf", headers={"accept-language": "km"})
    (only,) = PdfReader(io.BytesIO(page.content)).pages
    assert "22.50" in only.extract_text()
    assert "attachment" in page.headers["content-disposition"]


async def test_a_statement_tells_what_came_from_what_went_and_counts_receipts(scenario: Scenario) -> None:
    case, money, heir, last = (
        await scenario.open_case(),
        *[await create_fund(scenario, name=name) for name in "abc"],
    )
    proof = await upload_receipt(scenario, case)
    for _ in range(5):
        what = await create_paid_disbursement(scenario, case, heir)
        done_with = {"spent": usd("12.50"), "receipt_document_ids": [proof]}
        what = await act_on_disbursement(scenario.finance, what, "reconcile", done_with)
        await act_on_disbursement(scenario.finance, what, "reverse", {"reason": "Paid by the school."})
    for one, other in ((money, heir), (heir, last)):
        seen = expect_json(await scenario.manager.get(f"/v1/funds/{one['id']}"))
        told = {"reason": "It ends.", "rest_to_fund_id": other["id"]}
        expect_json(await scenario.manager.act(f"/v1/funds/{seen['id']}", "close", told))
    day = today().isoformat()
    told = expect_json(await scenario.finance.get(f"/v1/funds/{heir['id']}/statements/{day}/{day}"))
    names = ("deposits", "received", "given_back", "spent", "closing")
    assert [told[name]["amount"] for name in names] == ["1000.00", "1000.00", "2000.00", "0.00", "0.00"]
    assert [(line["spent"]["amount"], line["payments"]) for line in told["lines"]] == [("0.00", 5)]


async def test_deposits_are_tried_line_by_line_and_entered_whole(scenario: Scenario) -> None:
    money, day = await create_fund(scenario, ""), today().isoformat()
    path = f"/v1/funds/{money['id']}/deposits/import"
    good = f"received_on,amount,reference\n{day},10.00,A-1\n{day},2.50,A-2\n"
    bad = good + f"{day},-3,A-3\n2030-01-01,1.00,A-4\n{day},1.00,A-2\n{day},1.00\n"
    report = expect_json(await scenario.finance.post(path, {"csv": bad, "dry_run": False}))
    assert (report["entered"], [line["codes"] for line in report["lines"]]) == (
        0, [[], [], ["string_pattern_mismatch"], ["date_in_future"], ["already_entered"], ["columns_unfit"]],
    )  # fmt: skip
    assert expect_json(await scenario.finance.post(path, {"csv": good}))["entered"] == 0
    assert expect_json(await scenario.finance.post(path, {"csv": good, "dry_run": False}))["entered"] == 2
    again = expect_json(await scenario.finance.post(path, {"csv": good, "dry_run": False}))
    assert [line["codes"] for line in again["lines"]] == [["already_entered"], ["already_entered"]]
    found = expect_json(await scenario.finance.get(f"/v1/funds/{money['id']}"))
    assert found["balances"]["available"] == usd("12.50")
    for nonsense in ("amount\n1\n", 'received_on,amount,reference\n"x', "received_on,amount,reference\n"):
        assert (await scenario.finance.post(path, {"csv": nonsense})).status_code == 422


async def test_rates_are_imported_the_same_way(scenario: Scenario) -> None:
    day = today().isoformat()
    table = f"on,rate,source\n{day},4105.00,National Bank of Cambodia\n{day},4110.00,A money changer\n"
    made = expect_json(
        await scenario.finance.post("/v1/exchange-rates/import", {"csv": table, "dry_run": False})
    )
    assert made["entered"] == 2
    rates = expect_json(await scenario.worker_north.get("/v1/exchange-rates"))["items"]
    assert {rate["rate"] for rate in rates} == {"4105.00", "4110.00"}
