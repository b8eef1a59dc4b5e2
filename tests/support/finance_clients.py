"""The people who handle money in the demonstration, over real HTTP, many requests at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.support.fund import disbursement_payload, payment_payload
from tests.support.server_process import ServerProcess

CONNECTIONS_PER_USER = 24
"""Connections of each of them."""


class RetryingTransport(httpx.AsyncHTTPTransport):
    """Asks again when the server says that it did nothing and when to come back, as clients should.

    Two hundred requests wait for four connections: on a slow machine, some wait for longer than the server lets them.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while (answer := await super().handle_async_request(request)).status_code in {503, 504}:
            await answer.aread()
            await asyncio.sleep(int(answer.headers["retry-after"]))
        return answer


class FinanceClients:
    """The people who handle money, each with one client for all they do at once."""

    def __init__(self, served: ServerProcess) -> None:
        self.clients: dict[str, httpx.AsyncClient] = {}
        for name, mailbox in (
            ("worker", "sophea.worker"),
            ("supervisor", "rith.supervisor"),
            ("finance", "samnang.finance"),
        ):
            person = next(user for user in served.demo_data["users"] if user["email"].startswith(mailbox))
            told = {"email": person["email"], "password": person["password"]}
            token = httpx.post(f"{served.url}/v1/auth/login", json=told, timeout=60).json()["access_token"]
            self.clients[name] = httpx.AsyncClient(
                base_url=served.url,
                headers={"authorization": f"Bearer {token}"},
                timeout=60,
                transport=RetryingTransport(limits=httpx.Limits(max_connections=CONNECTIONS_PER_USER)),
            )

    def __getattr__(self, name: str) -> httpx.AsyncClient:
        return self.clients[name]

    async def create(self, who: str, path: str, told: Any) -> dict[str, Any]:
        answer = await self.clients[who].post(path, json=told)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def create_fund(self, holding: dict[str, str]) -> dict[str, Any]:
        told = {
            "name": f"Fund {uuid.uuid4()}", "donor": "Friends", "currency": holding["currency"],
            "starts_on": "2026-01-01", "categories": ["transport"],
        }  # fmt: skip
        made = await self.create("finance", "/v1/funds", told)
        day = payment_payload()["paid_on"]
        deposit = {"amount": holding, "received_on": day, "reference": "The whole grant"}
        await self.create("finance", f"/v1/funds/{made['id']}/deposits", deposit)
        return made

    async def list_open_cases(self) -> list[dict[str, Any]]:
        """The open cases that the worker leads; there may be one more, behind broken glass."""
        me = (await self.worker.get("/v1/me")).json()["id"]
        found = (await self.worker.get("/v1/cases", params={"limit": 50, "lead_worker_id": me})).json()[
            "items"
        ]
        return [case for case in found if case["status"] != "closed"]

    async def create_disbursements(self, amounts: list[dict[str, str]]) -> list[dict[str, Any]]:
        cases = await self.list_open_cases()
        wishes = [disbursement_payload(cases[n % len(cases)], amount) for n, amount in enumerate(amounts)]
        return await asyncio.gather(*(self.create("worker", "/v1/disbursements", told) for told in wishes))

    async def act_on_disbursement(
        self, who: str, what: dict[str, Any], verb: str, told: Any, key: str | None = None
    ) -> httpx.Response:
        headers = {"if-match": f'"{what["version"]}"', **({"idempotency-key": key} if key else {})}
        return await self.clients[who].post(
            f"/v1/disbursements/{what['id']}/{verb}", json=told, headers=headers
        )

    async def get_fund_balances(self, fund: dict[str, Any]) -> dict[str, str]:
        check = (await self.finance.get("/v1/ledger-check")).json()
        assert check["differences"] == []
        found = (await self.finance.get(f"/v1/funds/{fund['id']}")).json()["balances"]
        return {kind: money["amount"] for kind, money in found.items()}


@asynccontextmanager
async def open_finance_clients(served: ServerProcess) -> AsyncIterator[FinanceClients]:
    made = FinanceClients(served)
    try:
        yield made
    finally:
        for client in made.clients.values():
            await client.aclose()
