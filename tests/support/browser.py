"""A browser with the refresh cookie, for tests of sign-in."""

from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from app.access.passwords import hash_password
from app.database.urls import to_driver_url
from tests.support.scenario import Scenario

USER_PASSWORD = "mango rain over the tonle"
REFRESH_COOKIE = "__Host-refresh"
CSRF_HEADERS = {"x-requested-with": "test"}


@dataclass
class Browser:
    """A browser that signs in. It sends the cookie itself, because the client drops Secure cookies over plain HTTP."""

    scenario: Scenario
    http: httpx.AsyncClient
    token: str = ""
    cookie: str = ""

    async def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        request_headers = {
            **CSRF_HEADERS,
            **({"cookie": f"{REFRESH_COOKIE}={self.cookie}"} if self.cookie else {}),
            **headers,
        }
        response = await self.http.post(path, json=json, headers=request_headers)
        if REFRESH_COOKIE in response.cookies or "set-cookie" in response.headers:
            self.cookie = response.headers["set-cookie"].partition("=")[2].partition(";")[0].strip('"')
        if response.status_code == 200 and "access_token" in response.json():
            self.token = response.json()["access_token"]
        return response

    async def sign_in(
        self, name: str = "worker_north", password: str = USER_PASSWORD, **fields: str
    ) -> httpx.Response:
        credentials = {"email": f"{name}@fsc.example", "password": password, **fields}
        return await self.post("/v1/auth/login", credentials)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers={"authorization": f"Bearer {self.token}"})


def open_browser(scenario: Scenario, address: str = "192.0.2.10") -> Browser:
    transport = httpx.ASGITransport(app=scenario.app, raise_app_exceptions=False, client=(address, 4000))
    return Browser(scenario, httpx.AsyncClient(transport=transport, base_url="http://testserver"))


async def run_sql(scenario: Scenario, statement: str, *values: Any) -> list[Any]:
    """Run a statement as the owner of the tables."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.owner))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def open_browser_with_passwords(scenario: Scenario) -> Browser:
    """Set the same password for every user and return a browser."""
    await run_sql(scenario, "UPDATE users SET password_hash = $1", await hash_password(USER_PASSWORD))
    return open_browser(scenario)
