"""What a donor is told of a fund: sums that come out even, and no child; and tables that are entered whole or not at all."""

import io
import zipfile
from datetime import timedelta

from pypdf import PdfReader

from app.kit.dates import today
from tests.money import act, approved, fund, paid, receipt, usd
from tests.pathway import done
from tests.world import World


async def test_a_statement_comes_out_even_and_shows_no_child(world: World) -> None:
    case, money = await world.case(), await fund(world, "100.00")
    proof = await receipt(world, case)
    for spent in ("10.00", "12.50"):
        what = await paid(world, case, money)
        await act(world.finance, what, "reconcile", {"spent": usd(spent), "receipt_document_ids": [proof]})
    await paid(world, case, money, usd("5.00"))
    await approved(world, case, money, usd("3.00"))
    day = today().isoformat()
    path = f"/v1/funds/{money['id']}/statements/{day}/{day}"
    told = done(await world.finance.get(path))
    names = ("opening", "deposits", "spent", "closing", "reserved", "advanced")
    assert [told[name]["amount"] for name in names] == ["0.00", "100.00", "22.50", "77.50", "3.00", "5.00"]
    assert told["lines"] == [{"category": "transport", "spent": usd("22.50"), "payments": None}]
    for who in (case["child_id"], case["number"], case["id"]):
        assert who not in str(told)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    later = done(await world.manager.get(f"/v1/funds/{money['id']}/statements/{tomorrow}/{tomorrow}"))
    assert [later[name]["amount"] for name in names] == ["77.50", "0.00", "0.00", "77.50", "3.00", "5.00"]
    assert (
        await world.finance.get(f"/v1/funds/{money['id']}/statements/{tomorrow}/{day}")
    ).status_code == 422
    assert (await world.worker_north.get(path)).status_code == 403

    sheet = await world.finance.get(f"{path}/statement.xlsx")
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "Friends of Cambodia" in texts
    page = await world.finance.get(f"{path}/statement.pdf", headers={"accept-language": "km"})
    (only,) = PdfReader(io.BytesIO(page.content)).pages
    assert "22.50" in only.extract_text()
    assert "attachment" in page.headers["content-disposition"]


async def test_a_statement_tells_what_came_from_what_went_and_counts_receipts(world: World) -> None:
    case, money, heir, last = (await world.case(), *[await fund(world, name=name) for name in "abc"])
    proof = await receipt(world, case)
    for _ in range(5):
        what = await paid(world, case, heir)
        done_with = {"spent": usd("12.50"), "receipt_document_ids": [proof]}
        what = await act(world.finance, what, "reconcile", done_with)
        await act(world.finance, what, "reverse", {"reason": "Paid by the school."})
    for one, other in ((money, heir), (heir, last)):
        seen = done(await world.manager.get(f"/v1/funds/{one['id']}"))
        told = {"reason": "It ends.", "rest_to_fund_id": other["id"]}
        done(await world.manager.act(f"/v1/funds/{seen['id']}", "close", told))
    day = today().isoformat()
    told = done(await world.finance.get(f"/v1/funds/{heir['id']}/statements/{day}/{day}"))
    names = ("deposits", "received", "given_back", "spent", "closing")
    assert [told[name]["amount"] for name in names] == ["1000.00", "1000.00", "2000.00", "0.00", "0.00"]
    assert [(line["spent"]["amount"], line["payments"]) for line in told["lines"]] == [("0.00", 5)]


async def test_deposits_are_tried_line_by_line_and_entered_whole(world: World) -> None:
    money, day = await fund(world, ""), today().isoformat()
    path = f"/v1/funds/{money['id']}/deposits/import"
    good = f"received_on,amount,reference\n{day},10.00,A-1\n{day},2.50,A-2\n"
    bad = good + f"{day},-3,A-3\n2030-01-01,1.00,A-4\n{day},1.00,A-2\n{day},1.00\n"
    report = done(await world.finance.post(path, {"csv": bad, "dry_run": False}))
    assert (report["entered"], [line["codes"] for line in report["lines"]]) == (
        0, [[], [], ["string_pattern_mismatch"], ["date_in_future"], ["already_entered"], ["columns_unfit"]],
    )  # fmt: skip
    assert done(await world.finance.post(path, {"csv": good}))["entered"] == 0
    assert done(await world.finance.post(path, {"csv": good, "dry_run": False}))["entered"] == 2
    again = done(await world.finance.post(path, {"csv": good, "dry_run": False}))
    assert [line["codes"] for line in again["lines"]] == [["already_entered"], ["already_entered"]]
    found = done(await world.finance.get(f"/v1/funds/{money['id']}"))
    assert found["balances"]["available"] == usd("12.50")
    for nonsense in ("amount\n1\n", 'received_on,amount,reference\n"x', "received_on,amount,reference\n"):
        assert (await world.finance.post(path, {"csv": nonsense})).status_code == 422


async def test_rates_are_imported_the_same_way(world: World) -> None:
    day = today().isoformat()
    table = f"on,rate,source\n{day},4105.00,National Bank of Cambodia\n{day},4110.00,A money changer\n"
    made = done(await world.finance.post("/v1/exchange-rates/import", {"csv": table, "dry_run": False}))
    assert made["entered"] == 2
    rates = done(await world.worker_north.get("/v1/exchange-rates"))["items"]
    assert {rate["rate"] for rate in rates} == {"4105.00", "4110.00"}
