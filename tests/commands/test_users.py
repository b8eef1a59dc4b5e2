"""The commands for accounts as an operator calls them, in processes of their own."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from tests.support.browser import run_sql
from tests.support.confirmations import find_pending_change
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def run_users_command(scenario: Scenario, *arguments: str) -> str:
    """Run `firststep users …` with the owner's URL, and return its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
    urls = {
        f"FIRSTSTEP_{role.upper()}_DATABASE_URL": getattr(scenario.urls, role)
        for role in ("owner", "api", "reports")
    }
    process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "app.cli", "users", *arguments],
        env={**environment, **urls}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return str(process.stdout)


async def run_for_json(scenario: Scenario, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(await run_users_command(scenario, *arguments, "--json"))
    return document


async def test_accounts_are_listed_as_lines_and_as_json(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET totp_confirmed_at = now() WHERE id = $1", id_of("dpo"))
    line, *others = (
        await run_users_command(scenario, "list", "--role", "data_protection_officer")
    ).splitlines()
    assert others == []
    assert line.split()[:5] == ["dpo@fsc.example", "Dpo", "active", "second", "factor"]
    assert line.endswith("data_protection_officer")
    users = (await run_for_json(scenario, "list"))["users"]
    assert len(users) == 11
    dpo = next(user for user in users if user["id"] == str(id_of("dpo")))
    assert (dpo["roles"], dpo["is_active"], dpo["has_second_factor"]) == (
        ["data_protection_officer"],
        True,
        True,
    )


async def test_account_is_disabled(scenario: Scenario) -> None:
    output = await run_users_command(scenario, "disable", "worker_north@fsc.example")
    assert output == "Deactivated worker_north@fsc.example. Ended 1 sessions.\n"
    assert (await scenario.worker_north.get("/v1/me")).status_code == 401


async def test_resets_print_the_initial_password_and_the_pending_change(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET totp_confirmed_at = now() WHERE id = $1", id_of("worker_north"))
    text = await run_users_command(scenario, "reset-password", "worker_north@fsc.example")
    assert (await find_pending_change(scenario.dpo))["id"] in text
    reset = await run_for_json(scenario, "reset-2fa", "worker_north@fsc.example")
    change = await find_pending_change(scenario.dpo)
    assert (reset["pending_change_id"], change["remove_second_factor"]) == (change["id"], True)
    assert reset["initial_password"] not in text


async def test_first_administrator_is_created(scenario: Scenario) -> None:
    await run_sql(scenario, "UPDATE users SET is_active = false WHERE id = $1", id_of("admin"))
    created = await run_for_json(scenario, "create-admin", "new@fsc.example", "Keo Bopha")
    assert created["role"] == "administrator"
    (entry,) = expect_json(await scenario.dpo.get("/v1/audit/accesses?act=users.create_first"))["items"]
    assert entry["outcome"] == "allowed"
