"""The people who handle money in the demonstration, over real HTTP, many requests at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.money import payment, wish
from tests.served import Served

AT_ONCE = 24
"""Connections of each of them."""


class Patient(httpx.AsyncHTTPTransport):
    """Asks again when the server says that it did nothing and when to come back, as clients should.

    Two hundred requests wait for four connections: on a slow machine, some wait for longer than the server lets them.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while (answer := await super().handle_async_request(request)).status_code in {503, 504}:
            await answer.aread()
            await asyncio.sleep(int(answer.headers["retry-after"]))
        return answer


class Office:
    """The people who handle money, each with one client for all they do at once."""

    def __init__(self, served: Served) -> None:
        self.people: dict[str, httpx.AsyncClient] = {}
        for name, mailbox in (
            ("worker", "sophea.worker"),
            ("supervisor", "rith.supervisor"),
            ("finance", "samnang.finance"),
        ):
            person = next(user for user in served.demo["users"] if user["email"].startswith(mailbox))
            told = {"email": person["email"], "password": person["password"]}
            token = httpx.post(f"{served.url}/v1/auth/login", json=told, timeout=60).json()["access_token"]
            self.people[name] = httpx.AsyncClient(
                base_url=served.url,
                headers={"authorization": f"Bearer {token}"},
                timeout=60,
                transport=Patient(limits=httpx.Limits(max_connections=AT_ONCE)),
            )

    def __getattr__(self, name: str) -> httpx.AsyncClient:
        return self.people[name]

    async def made(self, who: str, path: str, told: Any) -> dict[str, Any]:
        answer = await self.people[who].post(path, json=told)
        assert answer.status_code in {200, 201}, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def fund(self, holding: dict[str, str]) -> dict[str, Any]:
        told = {
            "name": f"Fund {uuid.uuid4()}", "donor": "Friends", "currency": holding["currency"],
            "starts_on": "2026-01-01", "categories": ["transport"],
        }  # fmt: skip
        made = await self.made("finance", "/v1/funds", told)
        day = payment()["paid_on"]
        deposit = {"amount": holding, "received_on": day, "reference": "The whole grant"}
        await self.made("finance", f"/v1/funds/{made['id']}/deposits", deposit)
        return made

    async def cases(self) -> list[dict[str, Any]]:
        """The open cases that the worker leads; there may be one more, behind broken glass."""
        me = (await self.worker.get("/v1/me")).json()["id"]
        found = (await self.worker.get("/v1/cases", params={"limit": 50, "lead_worker_id": me})).json()[
            "items"
        ]
        return [case for case in found if case["status"] != "closed"]

    async def asked(self, amounts: list[dict[str, str]]) -> list[dict[str, Any]]:
        cases = await self.cases()
        wishes = [wish(cases[n % len(cases)], amount) for n, amount in enumerate(amounts)]
        return await asyncio.gather(*(self.made("worker", "/v1/disbursements", told) for told in wishes))

    async def act(
        self, who: str, what: dict[str, Any], verb: str, told: Any, key: str | None = None
    ) -> httpx.Response:
        headers = {"if-match": f'"{what["version"]}"', **({"idempotency-key": key} if key else {})}
        return await self.people[who].post(
            f"/v1/disbursements/{what['id']}/{verb}", json=told, headers=headers
        )

    async def balances(self, fund: dict[str, Any]) -> dict[str, str]:
        check = (await self.finance.get("/v1/ledger-check")).json()
        assert check["differences"] == []
        found = (await self.finance.get(f"/v1/funds/{fund['id']}")).json()["balances"]
        return {kind: money["amount"] for kind, money in found.items()}


@asynccontextmanager
async def office(served: Served) -> AsyncIterator[Office]:
    made = Office(served)
    try:
        yield made
    finally:
        for client in made.people.values():
            await client.aclose()
