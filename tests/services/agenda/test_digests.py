"""The daily e-mail with numbers of the agenda: off by default, without data of children, once a day."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from app.config import get_settings
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.models.record import freeze_time
from app.server.jobs import JobRunner
from app.services.agenda import digests
from app.services.agenda.digests import DIGEST_MAIL, DIGEST_SCHEDULE
from tests.support.agenda import list_agenda
from tests.support.mail_server import ReceivedMail, run_mail_server
from tests.support.responses import expect_json
from tests.support.row_factories import insert_due_records
from tests.support.scenario import Scenario

PATH = "/v1/me/settings"


def noon() -> datetime:
    """Return twelve o'clock of today in Cambodia."""
    return datetime.combine(today(), datetime.min.time(), CAMBODIA_TIMEZONE) + timedelta(hours=12)


@pytest.fixture
async def mail_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReceivedMail]:
    async with run_mail_server() as received:
        changes = {
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{received.port}"),
            "mail_from": "no-reply@fsc.example",
        }
        settings = get_settings().model_copy(update=changes)
        monkeypatch.setattr(digests, "get_settings", lambda: settings)
        yield received


async def switch_on(scenario: Scenario, name: str, **changes: Any) -> None:
    client = scenario.client_for(name)
    etag = (await client.get(PATH)).headers["etag"]
    expect_json(await client.put(PATH, {"agenda_digest": True, **changes}, etag=etag))


async def run_jobs(scenario: Scenario, superuser: Any, moment: datetime | None = None) -> None:
    """Run the periodic job and the jobs that it adds, at a time of the day."""
    await superuser.execute("DELETE FROM jobs")
    runner = JobRunner(scenario.database, (DIGEST_SCHEDULE, DIGEST_MAIL))
    with freeze_time(moment or noon()):
        await runner.schedule_periodic_jobs()
        await superuser.execute("UPDATE jobs SET run_after = now() - interval '1 minute'")
        while await runner.run_next_job():
            await superuser.execute(
                "UPDATE jobs SET run_after = now() - interval '1 minute' WHERE kind = 'digest_mail'"
            )


async def test_settings_are_off_by_default_and_replaced_by_version(scenario: Scenario) -> None:
    worker = scenario.worker_north
    default = await worker.get(PATH)
    assert expect_json(default) == {
        "id": str(worker.id), "version": 1, "agenda_digest": False, "language": "en",
    }  # fmt: skip
    payload = {"agenda_digest": True, "language": "km"}
    assert (await worker.put(PATH, payload)).status_code == 428
    changed = expect_json(await worker.put(PATH, payload, etag=default.headers["etag"]))
    assert changed == {"id": str(worker.id), "version": 2, **payload}
    assert (await worker.put(PATH, payload, etag=default.headers["etag"])).status_code == 412
    off = expect_json(await worker.put(PATH, {"agenda_digest": False}, etag='"2"'))
    assert off == {"id": str(worker.id), "version": 3, "agenda_digest": False, "language": "en"}
    assert expect_json(await scenario.worker_north_2.get(PATH))["version"] == 1


async def test_digest_has_numbers_and_a_link_and_no_data_of_a_child(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail
) -> None:
    # Catches: the number of the case in the body; the count of another user.
    case = await scenario.open_case()
    await insert_due_records(superuser_connection, case)
    await scenario.create_referral(urgency="emergency")
    for name, language in (("worker_north", "en"), ("supervisor_south", "km"), ("worker_south", "en")):
        await switch_on(scenario, name, language=language)
    await run_jobs(scenario, superuser_connection)
    assert sorted(mail_server.recipients) == ["supervisor_south@fsc.example", "worker_north@fsc.example"]
    by_recipient = {str(message["To"]): message for message in mail_server.messages}
    text = by_recipient["worker_north@fsc.example"].get_content()
    entries = await list_agenda(scenario.worker_north)
    assert f"Overdue: {sum(entry['is_overdue'] for entry in entries)}\n" in text
    assert f"On your agenda: {len(entries)}\n" in text
    assert "Emergencies: 0\n" in text
    khmer = by_recipient["supervisor_south@fsc.example"]
    assert "ករណីបន្ទាន់៖ 1\n" in khmer.get_content()
    for message in mail_server.messages:
        content = f"{message['Subject']} {message.get_content()}"
        for secret in (case["id"], case["number"], case["child_id"], "Keo", "visit", "court"):
            assert secret not in content


async def test_digest_is_sent_once_a_day_from_seven_on(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail
) -> None:
    await scenario.open_case()
    await switch_on(scenario, "worker_north")
    await run_jobs(scenario, superuser_connection, noon().replace(hour=6, minute=59))
    assert mail_server.recipients == []
    for _ in range(2):
        await run_jobs(scenario, superuser_connection, noon().replace(hour=7))
    assert len(mail_server.recipients) == 1
    await run_jobs(scenario, superuser_connection, noon() + timedelta(days=1))
    assert len(mail_server.recipients) == 2


@pytest.mark.parametrize("change", ["is_active = false", "roles = '{me_officer}'"])
async def test_digest_is_not_sent_to_a_user_without_an_agenda(
    scenario: Scenario, superuser_connection: Any, mail_server: ReceivedMail, change: str
) -> None:
    await scenario.open_case()
    await switch_on(scenario, "worker_north")
    await superuser_connection.execute(
        f"UPDATE users SET {change} WHERE id = $1",  # noqa: S608
        scenario.worker_north.id,
    )
    await run_jobs(scenario, superuser_connection)
    assert mail_server.recipients == []


async def test_access_of_a_digest_is_logged_and_needs_the_secret(
    scenario: Scenario, superuser_connection: Any, api_connection: Any, mail_server: ReceivedMail
) -> None:
    # Catches: access.open_digest() without the comparison of the hash.
    del mail_server
    await scenario.open_case()
    await switch_on(scenario, "worker_north")
    await run_jobs(scenario, superuser_connection)
    query = "SELECT e.outcome, v.actor_id FROM access_events v JOIN access_entries e ON e.event_id = v.id WHERE v.act = 'agenda.digest'"
    assert [tuple(row) for row in await superuser_connection.fetch(query)] == [
        ("allowed", scenario.worker_north.id)
    ]
    statement = "SELECT event_id FROM access.open_digest($1, 'forged', 'by-hand-00')"
    assert await api_connection.fetchval(statement, scenario.worker_north.id) is None
    forged = "UPDATE user_settings SET digest_secret_hash = sha256('forged')"
    with pytest.raises(Exception, match="permission denied"):
        await api_connection.execute(forged)
