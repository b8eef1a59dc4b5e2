"""Inserts without the ORM: columns without a value, and the transaction of the record and its related rows."""

from datetime import timedelta
from typing import Any

from app.models import Referral
from app.models.record import utc_now
from tests.support.scenario import Scenario, referral_payload

GIVEN_COLUMNS = {
    *("id", "agency_id", "external_id", "external_id_key", "tracking_number", "source"),
    *("urgency", "concern_kind", "province_code", "content_encrypted"),
}


async def test_record_insert_uses_the_defaults_of_the_model(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `self._defaults` replaced by None for each column; `self._factories` empty.
    assert (await scenario.partner_one.post("/v1/referrals", referral_payload())).status_code == 201
    row = dict(await superuser_connection.fetchrow("SELECT * FROM referrals"))
    times = [row.pop(name) for name in ("created_at", "received_at", "updated_at")]
    assert all(utc_now() - moment < timedelta(minutes=1) for moment in times)
    defaults = {name: Referral.model_fields[name].default for name in row if name not in GIVEN_COLUMNS}
    assert {name: row[name] for name in defaults} == defaults
    assert defaults["status"] == "received"


async def test_rejected_record_insert_stores_no_search_tokens(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: ON CONFLICT DO NOTHING added to the insert of the record.
    payload = referral_payload()
    assert (await scenario.partner_one.post("/v1/referrals", payload, key="first-key")).status_code == 201
    count_sql = "SELECT count(*) FROM name_tokens"
    token_count = await superuser_connection.fetchval(count_sql)
    response = await scenario.partner_one.post("/v1/referrals", payload, key="other-key")
    assert response.status_code == 409
    assert token_count > 0
    assert await superuser_connection.fetchval(count_sql) == token_count
