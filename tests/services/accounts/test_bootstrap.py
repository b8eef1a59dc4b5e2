"""The command line creates the first administrator and the first confirmer, with the database role of the owner."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.acts import ActWithoutPermission
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import AlreadyExists, InvalidInput
from app.services.accounts.bootstrap import create_first_account
from tests.support.access_log import raise_alerts
from tests.support.browser import open_browser, run_sql
from tests.support.command_line import run_command
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


@asynccontextmanager
async def open_owner_session(scenario: Scenario) -> AsyncIterator[AsyncSession]:
    database = Database(scenario.urls.owner, pool_size=1)
    async with database.session_factory() as session:
        yield session
    await database.engine.dispose()


@pytest.mark.parametrize("role", ["administrator", "data_protection_officer", "programme_manager"])
async def test_first_account_is_created_only_without_an_active_one(scenario: Scenario, role: str) -> None:
    async with open_owner_session(scenario) as session:
        with pytest.raises(AlreadyExists):
            await create_first_account(session, "a@fsc.example", "A", role)
        await session.rollback()  # releases the lock
        await run_sql(scenario, "UPDATE users SET is_active = false")
        with pytest.raises(AlreadyExists, match=r"Another account has the email address DPO@fsc\.example"):
            await create_first_account(session, "DPO@fsc.example", "A", role)
        with pytest.raises(InvalidInput):
            await create_first_account(session, "no address", "A", role)
        with pytest.raises(InvalidInput):
            await create_first_account(session, "a@fsc.example", "A", "social_worker")
        password = await create_first_account(session, "a@fsc.example", "Keo Bopha", role)
        await session.commit()
    browser = open_browser(scenario)
    credentials = {"email": "a@fsc.example", "password": password}
    token = expect_json(await browser.post("/v1/auth/login", credentials))
    assert (token["password_change_required"], token["activation_required"]) == (True, False)


async def test_role_of_the_api_cannot_create_a_first_account(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = false")
    async with scenario.database.session_factory() as session:
        with pytest.raises(Exception, match="permission denied for table users"), translate_database_errors():
            await create_first_account(session, "a@fsc.example", "A", "administrator")


async def test_first_account_is_in_the_log_and_raises_an_alert(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `create_first_account` run without `run_as_command_line`; `users.create_first` without an alert.
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE roles = '{administrator}'")

    def create(email: str) -> Awaitable[str]:
        return run_command(
            scenario,
            ActWithoutPermission.users_create_first,
            lambda session: create_first_account(session, email, "Keo Bopha", "administrator"),
        )

    await create("a@fsc.example")
    with pytest.raises(AlreadyExists):
        await create("b@fsc.example")
    path = "/v1/audit/accesses?act=users.create_first"
    refused, allowed = expect_json(await scenario.dpo.get(path))["items"]
    assert (refused["outcome"], refused["changes"]) == ("refused", None)
    assert allowed["changes"]["roles"] == {"old": None, "new": ["administrator"]}
    assert allowed["changes"]["password"] == {"old": None, "new": "hidden"}
    assert allowed["actor"]["roles"] == ["command_line"]
    assert await raise_alerts(api_connection) == 1
    (alert,) = expect_json(await scenario.dpo.get("/v1/alerts"))["items"]
    assert (alert["act"], alert["record"]) == ("users.create_first", allowed["record"])


async def test_two_commands_at_once_create_one_first_account(scenario: Scenario) -> None:
    # Catches: `create_first_account` without LOCK_USERS_SQL.
    await run_sql(scenario, "UPDATE users SET is_active = false")
    results = await asyncio.gather(
        *(
            run_command(
                scenario,
                ActWithoutPermission.users_create_first,
                lambda session, number=number: create_first_account(  # type: ignore[misc]  # the default is a number
                    session, f"{number}@fsc.example", "Keo Bopha", "administrator"
                ),
            )
            for number in range(4)
        ),
        return_exceptions=True,
    )
    assert [type(result) for result in results if not isinstance(result, str)] == [AlreadyExists] * 3
