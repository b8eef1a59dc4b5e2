"""Clients of the demonstration's worker, supervisor and finance officer, for many requests at once over real HTTP."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.support.fund import disbursement_payload, payment_payload
from tests.support.server_process import ServerProcess

CONNECTIONS_PER_USER = 24
"""Connections of each user's client."""


class RetryingTransport(httpx.AsyncHTTPTransport):
    """Retries requests that the server rejected as overloaded, after the time in `Retry-After`.

    The tests send 200 requests for four database connections. On a slow machine some of them exceed the server's timeout.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while (response := await super().handle_async_request(request)).status_code in {503, 504}:
            await response.aread()
            await asyncio.sleep(int(response.headers["retry-after"]))
        return response


class FinanceClients:
    """One signed-in client for each user."""

    def __init__(self, served: ServerProcess) -> None:
        self.clients: dict[str, httpx.AsyncClient] = {}
        for name, mailbox in (
            ("worker", "maly.worker"),
            ("supervisor", "rith.supervisor"),
            ("finance", "samnang.finance"),
        ):
            user = next(user for user in served.demo_data["users"] if user["email"].startswith(mailbox))
            credentials = {"email": user["email"], "password": user["password"]}
            token = httpx.post(f"{served.url}/v1/auth/login", json=credentials, timeout=60).json()[
                "access_token"
            ]
            self.clients[name] = httpx.AsyncClient(
                base_url=served.url,
                headers={"authorization": f"Bearer {token}"},
                timeout=60,
                transport=RetryingTransport(limits=httpx.Limits(max_connections=CONNECTIONS_PER_USER)),
            )

    def __getattr__(self, name: str) -> httpx.AsyncClient:
        return self.clients[name]

    async def create(self, user: str, path: str, payload: Any) -> dict[str, Any]:
        response = await self.clients[user].post(path, json=payload)
        assert response.status_code in {200, 201}, response.text
        record: dict[str, Any] = response.json()
        return record

    async def create_fund(self, holding: dict[str, str]) -> dict[str, Any]:
        payload = {
            "name": f"Fund {uuid.uuid4()}", "donor": "Friends", "currency": holding["currency"],
            "starts_on": "2026-01-01", "categories": ["transport"],
        }  # fmt: skip
        fund = await self.create("finance", "/v1/funds", payload)
        today = payment_payload()["paid_on"]
        deposit = {"amount": holding, "received_on": today, "reference": f"Grant {uuid.uuid4()}"}
        await self.create("finance", f"/v1/funds/{fund['id']}/deposits", deposit)
        return fund

    async def list_open_cases(self) -> list[dict[str, Any]]:
        """Return the open cases that the worker leads, without a case that is visible through break-glass access."""
        worker_id = (await self.worker.get("/v1/me")).json()["id"]
        response = await self.worker.get("/v1/cases", params={"limit": 50, "lead_worker_id": worker_id})
        return [case for case in response.json()["items"] if case["status"] != "closed"]

    async def create_disbursements(self, amounts: list[dict[str, str]]) -> list[dict[str, Any]]:
        cases = await self.list_open_cases()
        payloads = [
            disbursement_payload(cases[index % len(cases)], amount) for index, amount in enumerate(amounts)
        ]
        return await asyncio.gather(
            *(self.create("worker", "/v1/disbursements", payload) for payload in payloads)
        )

    async def act_on_disbursement(
        self, user: str, disbursement: dict[str, Any], verb: str, payload: Any, key: str | None = None
    ) -> httpx.Response:
        headers = {"if-match": f'"{disbursement["version"]}"', **({"idempotency-key": key} if key else {})}
        return await self.clients[user].post(
            f"/v1/disbursements/{disbursement['id']}/{verb}", json=payload, headers=headers
        )

    async def get_fund_balances(self, fund: dict[str, Any]) -> dict[str, str]:
        check = (await self.finance.get("/v1/ledger-check")).json()
        assert check["differences"] == []
        balances = (await self.finance.get(f"/v1/funds/{fund['id']}")).json()["balances"]
        return {kind: money["amount"] for kind, money in balances.items()}


@asynccontextmanager
async def open_finance_clients(served: ServerProcess) -> AsyncIterator[FinanceClients]:
    finance_clients = FinanceClients(served)
    try:
        yield finance_clients
    finally:
        for client in finance_clients.clients.values():
            await client.aclose()
