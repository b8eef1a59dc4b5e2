"""E-mails about alerts: recipients, content, and failures of the mail server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from app.config import Settings, get_settings
from app.server.job_kinds import JOB_KINDS
from app.server.jobs import JobRunner
from app.services.alerts import notifications
from tests.support.access_log import new_child_ids, write_reads
from tests.support.mail_server import ReceivedMail, run_mail_server
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


@pytest.fixture
async def mail_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReceivedMail]:
    async with run_mail_server() as received:
        changes = {
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{received.port}"),
            "mail_from": "no-reply@fsc.example",
        }
        settings = get_settings().model_copy(update=changes)
        use_settings(monkeypatch, settings)
        yield received


def use_settings(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(notifications, "get_settings", lambda: settings)


async def use_break_glass(scenario: Scenario, **changes: str) -> dict[str, Any]:
    case = await scenario.open_case("worker_south")
    path = f"/v1/cases/{case['id']}/break-glass"
    expect_json(await scenario.worker_north.post(path, {**BREAK_GLASS_PAYLOAD, **changes}))
    return case


async def run_jobs(scenario: Scenario) -> None:
    runner = JobRunner(scenario.database, JOB_KINDS)
    while await runner.run_next_job():
        pass


async def test_break_glass_notifies_the_officer_and_the_supervisors_of_both_teams(
    scenario: Scenario, mail_server: ReceivedMail
) -> None:
    await use_break_glass(scenario)
    assert mail_server.messages == []
    await run_jobs(scenario)
    names = ["dpo", "supervisor_both", "supervisor_north", "supervisor_south"]
    assert sorted(mail_server.recipients) == [f"{name}@fsc.example" for name in names]


async def test_message_contains_no_name_child_or_case(scenario: Scenario, mail_server: ReceivedMail) -> None:
    case = await use_break_glass(scenario, reason="Planted words of a reason.")
    await run_jobs(scenario)
    for message in mail_server.messages:
        text = f"{message}\n{message.get_content()}"
        assert message["Subject"] == "You have a new alert in First Step"
        assert "http://testserver" in message.get_content()
        for secret in (case["id"], case["child_id"], case["number"], "Worker", "Planted", "break", "south"):
            # The name of a team is part of the address of its supervisor in this organisation.
            assert secret not in text.replace(str(message["To"]), "")


async def test_search_of_the_log_notifies_the_officer_once(
    scenario: Scenario, api_connection: Any, mail_server: ReceivedMail
) -> None:
    for name in ("worker_north", "worker_south"):
        await write_reads(api_connection, name, new_child_ids(50))
    await JobRunner(scenario.database, JOB_KINDS).schedule_periodic_jobs()
    await run_jobs(scenario)
    assert mail_server.recipients == ["dpo@fsc.example"]


async def test_inactive_user_receives_no_message(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail
) -> None:
    await use_break_glass(scenario)
    await superuser_connection.execute("UPDATE users SET is_active = false WHERE id = $1", id_of("dpo"))
    await run_jobs(scenario)
    assert "dpo@fsc.example" not in mail_server.recipients
    assert len(mail_server.recipients) == 3


async def test_failure_of_the_mail_server_does_not_fail_the_act_and_is_repeated(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail
) -> None:
    mail_server.refusal = "451 Try again later"
    await use_break_glass(scenario)
    await run_jobs(scenario)
    assert mail_server.messages == []
    errors = await superuser_connection.fetch(
        "SELECT last_error, attempts FROM jobs WHERE kind = 'alert_mail'"
    )
    assert [tuple(row) for row in errors] == [("Unavailable", 1)] * 4
    mail_server.refusal = None
    await superuser_connection.execute("UPDATE jobs SET run_after = now()")
    await run_jobs(scenario)
    assert len(mail_server.messages) == 4


async def test_no_message_is_sent_without_a_mail_server(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await use_break_glass(scenario)
    assert await superuser_connection.fetchval("SELECT count(*) FROM jobs") == 0


async def test_message_of_a_rejected_request_is_not_sent(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail
) -> None:
    path = f"/v1/cases/{id_of('unknown')}/break-glass"
    assert (await scenario.worker_north.post(path, BREAK_GLASS_PAYLOAD)).status_code == 404
    assert await superuser_connection.fetchval("SELECT count(*) FROM jobs") == 0
    assert mail_server.messages == []
