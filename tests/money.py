"""Arrangement over HTTP, for whoever needs money: funds with something in them, and requests on their way."""

import base64
from typing import Any

from app.kit.dates import today
from tests.pathway import done
from tests.world import Caller, World

PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n").decode()


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def khr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KHR"}


async def fund(
    world: World, holding: str = "1000.00", currency: str = "USD", **changes: Any
) -> dict[str, Any]:
    """A fund for everything a child may need, and a first deposit."""
    told = {
        "name": f"Fund {len(world.callers)} {currency} {changes.pop('name', today())}",
        "donor": "Friends of Cambodia",
        "currency": currency,
        "starts_on": "2026-01-01",
        "categories": ["transport", "education", "health_care", "nutrition"],
        **changes,
    }
    made = done(await world.finance.post("/v1/funds", told), 201)
    if holding:
        await given(world, made, holding)
    return done(await world.finance.get(f"/v1/funds/{made['id']}"))


async def given(world: World, fund: dict[str, Any], amount: str, **changes: Any) -> dict[str, Any]:
    told = {
        "amount": {"amount": amount, "currency": fund["currency"]},
        "received_on": today().isoformat(),
        "reference": "Transfer of the first quarter",
        **changes,
    }
    return done(await world.finance.post(f"/v1/funds/{fund['id']}/deposits", told), 201)


def wish(case: dict[str, Any], amount: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": case["id"],
        "beneficiary": "child",
        "category": "transport",
        "amount": amount or usd("12.50"),
        "purpose": "The bus to school, while the bicycle is broken.",
        "area": "education",
        "other_support_sought": "The commune has no money for it this year.",
        **changes,
    }


async def asked(
    world: World,
    case: dict[str, Any],
    amount: dict[str, str] | None = None,
    *,
    by: str = "worker_north",
    **changes: Any,
) -> dict[str, Any]:
    return done(await world.as_(by).post("/v1/disbursements", wish(case, amount, **changes)), 201)


async def act(caller: Caller, what: dict[str, Any], verb: str, told: Any = None) -> dict[str, Any]:
    return done(await caller.act(f"/v1/disbursements/{what['id']}", verb, told))


async def refused(caller: Caller, what: dict[str, Any], verb: str, told: Any = None) -> set[str]:
    """The codes of all unmet conditions."""
    answer = await caller.act(f"/v1/disbursements/{what['id']}", verb, told)
    assert answer.status_code == 409, answer.text
    return {unmet["code"] for unmet in answer.json()["unmet"]}


async def approved(
    world: World, case: dict[str, Any], fund: dict[str, Any], amount: dict[str, str] | None = None
) -> dict[str, Any]:
    what = await asked(world, case, amount)
    return await act(world.supervisor_north, what, "approve", {"fund_id": fund["id"]})


def payment(*tenders: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "method": "cash",
        "paid_on": today().isoformat(),
        "payee": "The bus company",
        "tenders": list(tenders) or [usd("12.50")],
        **changes,
    }


async def paid(
    world: World, case: dict[str, Any], fund: dict[str, Any], amount: dict[str, str] | None = None
) -> dict[str, Any]:
    what = await approved(world, case, fund, amount)
    return await act(world.finance, what, "pay", payment(what["amount"]))


async def receipt(
    world: World, case: dict[str, Any], kind: str = "receipt", *, by: str = "worker_north"
) -> str:
    told = {"kind": kind, "title": "Receipt", "content": PDF}
    found: str = done(await world.as_(by).post(f"/v1/cases/{case['id']}/documents", told), 201)["id"]
    return found


async def balances(world: World, fund: dict[str, Any]) -> dict[str, str]:
    """Given, available, reserved, advanced and spent, as the finance officer reads them; and they are what entries say."""
    check = done(await world.finance.get("/v1/ledger-check"))
    assert check["differences"] == []
    found = done(await world.finance.get(f"/v1/funds/{fund['id']}"))["balances"]
    return {kind: money["amount"] for kind, money in found.items()}
