"""Factories for funds and disbursements, over HTTP."""

import base64
import uuid
from datetime import date, timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario

RECEIPT_PDF_BASE64 = base64.b64encode(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n").decode()


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def khr(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "KHR"}


async def create_fund(
    scenario: Scenario, holding: str = "1000.00", currency: str = "USD", **changes: Any
) -> dict[str, Any]:
    """Create a fund for four categories, and a deposit unless `holding` is empty."""
    payload = {
        "name": f"Fund {len(scenario.clients)} {currency} {changes.pop('name', today())}",
        "donor": "Friends of Cambodia",
        "currency": currency,
        "starts_on": "2026-01-01",
        "categories": ["transport", "education", "health_care", "nutrition"],
        **changes,
    }
    fund = expect_json(await scenario.finance.post("/v1/funds", payload), 201)
    if holding:
        await create_deposit(scenario, fund, holding)
    return expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}"))


async def create_deposit(
    scenario: Scenario, fund: dict[str, Any], amount: str, **changes: Any
) -> dict[str, Any]:
    payload = {
        "amount": {"amount": amount, "currency": fund["currency"]},
        "received_on": today().isoformat(),
        "reference": f"Transfer {uuid.uuid4()}",
        **changes,
    }
    return expect_json(await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits", payload), 201)


def disbursement_payload(
    case: dict[str, Any], amount: dict[str, str] | None = None, **changes: Any
) -> dict[str, Any]:
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


async def create_disbursement(
    scenario: Scenario,
    case: dict[str, Any],
    amount: dict[str, str] | None = None,
    *,
    by: str = "worker_north",
    **changes: Any,
) -> dict[str, Any]:
    return expect_json(
        await scenario.client_for(by).post(
            "/v1/disbursements", disbursement_payload(case, amount, **changes)
        ),
        201,
    )


async def act_on_disbursement(
    client: AuthenticatedClient, disbursement: dict[str, Any], verb: str, payload: Any = None
) -> dict[str, Any]:
    return expect_json(await client.act(f"/v1/disbursements/{disbursement['id']}", verb, payload))


async def expect_disbursement_refused(
    client: AuthenticatedClient, disbursement: dict[str, Any], verb: str, payload: Any = None
) -> set[str]:
    """Assert that an act is refused, and return the codes of the unmet conditions."""
    response = await client.act(f"/v1/disbursements/{disbursement['id']}", verb, payload)
    assert response.status_code == 409, response.text
    return {unmet["code"] for unmet in response.json()["unmet"]}


async def create_approved_disbursement(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any], amount: dict[str, str] | None = None
) -> dict[str, Any]:
    disbursement = await create_disbursement(scenario, case, amount)
    return await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )


def payment_payload(*tenders: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "method": "cash",
        "paid_on": today().isoformat(),
        "payee": "The bus company",
        "tenders": list(tenders) or [usd("12.50")],
        **changes,
    }


async def create_paid_disbursement(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any], amount: dict[str, str] | None = None
) -> dict[str, Any]:
    disbursement = await create_approved_disbursement(scenario, case, fund, amount)
    payload = payment_payload(disbursement["amount"])
    return await act_on_disbursement(scenario.finance, disbursement, "pay", payload)


def build_receipt_file() -> str:
    """Return a PDF in base64 that differs from all others, because a receipt proves one payment."""
    content = base64.b64decode(RECEIPT_PDF_BASE64)
    return base64.b64encode(content + f"% {uuid.uuid4()}\n".encode()).decode()


async def upload_receipt(
    scenario: Scenario,
    case: dict[str, Any],
    kind: str = "receipt",
    *,
    by: str = "worker_north",
    **changes: Any,
) -> str:
    """Upload a document of the case and return its id.

    Each file is different, unless `changes` contain one. A receipt has a large amount, unless `changes` contain another one
    or it is a copy.
    """
    default_amount = None if kind == "letter" or "about" in changes else usd("1000.00")
    payload = {
        "kind": kind, "title": "Receipt", "content": build_receipt_file(), "amount": default_amount, **changes,
    }  # fmt: skip
    response = await scenario.client_for(by).post(f"/v1/cases/{case['id']}/documents", payload)
    document_id: str = expect_json(response, 201)["id"]
    return document_id


async def reconcile(
    scenario: Scenario, disbursement: dict[str, Any], spent: dict[str, str], *receipt_ids: str
) -> set[str]:
    """Reconcile a payment, and return the codes of the unmet conditions."""
    payload = {"spent": spent, "receipt_document_ids": receipt_ids}
    response = await scenario.finance.act(f"/v1/disbursements/{disbursement['id']}", "reconcile", payload)
    return {unmet["code"] for unmet in response.json().get("unmet", [])}


def statement_path(fund: dict[str, Any], day: date | None = None) -> str:
    """Return the path of a fund's statement for the month of a day, by default of today."""
    first_day = (day or today()).replace(day=1)
    last_day = add_months(first_day, 1) - timedelta(days=1)
    return f"/v1/funds/{fund['id']}/statements/{first_day}/{last_day}"


async def get_fund_balances(scenario: Scenario, fund: dict[str, Any]) -> dict[str, str]:
    """Return the amounts of a fund's balances, after asserting that the ledger is consistent."""
    check = expect_json(await scenario.finance.get("/v1/ledger-check"))
    assert check["differences"] == []
    balances = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}"))["balances"]
    return {kind: money["amount"] for kind, money in balances.items()}
