"""A full disk: writes are temporary errors, and the server is not ready for a while."""

from typing import Any

import pytest

from app.database import disk_space
from tests.support.payloads import PERSON_PAYLOAD
from tests.support.scenario import Scenario

REJECT_WRITES_SQL = """
    CREATE FUNCTION public.reject_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full';
    END $$;
    CREATE TRIGGER reject_write BEFORE INSERT ON people EXECUTE FUNCTION public.reject_write();
"""
ACCEPT_WRITES_SQL = "DROP TRIGGER reject_write ON people; DROP FUNCTION public.reject_write"


async def test_full_disk_is_503_and_not_ready_until_writes_had_time_to_recover(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: DiskFullError removed from ERROR_TRANSLATIONS; `was_disk_full` not called by `verify_readiness`.
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/people"
    assert (await scenario.http.get("/readyz")).status_code == 200
    await superuser_connection.execute(REJECT_WRITES_SQL)
    try:
        response = await scenario.worker_north.post(path, PERSON_PAYLOAD)
    finally:
        await superuser_connection.execute(ACCEPT_WRITES_SQL)
    assert response.status_code == 503
    assert response.json()["detail"] == "The database has no free disk space. No change was made."
    assert "No space left" not in response.text
    readiness = await scenario.http.get("/readyz")
    assert readiness.status_code == 503
    assert readiness.headers["retry-after"] == "30"
    assert (await scenario.http.get("/healthz")).status_code == 200
    assert (await scenario.worker_north.post(path, PERSON_PAYLOAD)).status_code == 201
    monkeypatch.setattr(disk_space, "NOT_READY_SECONDS", 0.0)
    assert (await scenario.http.get("/readyz")).status_code == 200
