"""Sending of service referrals: the conditions are checked at the time of sending, and the shared values are kept."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import create_case_path
from tests.support.confirmations import confirm_pending_change
from tests.support.locks import wait_for_lock_waiters
from tests.support.payloads import VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import (
    create_consent,
    create_provider,
    create_service_referral,
    list_service_referral_lines,
)

ALL_SHARED_FIELDS = [
    "names", "age", "sex", "place", "phone", "phones", "languages", "disability", "school", "supporter", "need",
]  # fmt: skip
AGENCY_ID = str(id_of("Helping Hands"))
OTHER_AGENCY_ID = str(id_of("Safe Steps"))


def yesterday() -> str:
    return (today() - timedelta(days=1)).isoformat()


def oldest_valid_check() -> str:
    """Return the earliest day of a check without an end date that is still valid today."""
    return add_months(today() + timedelta(days=1), -24).isoformat()


def expired_check() -> str:
    return add_months(today() - timedelta(days=4), -24).isoformat()


async def send_new_referral(scenario: Scenario, case_path: str, **changes: Any) -> dict[str, Any]:
    return expect_json(
        await scenario.worker_north.act(await create_service_referral(scenario, case_path, **changes), "send")
    )


async def test_shared_values_are_stored_as_of_sending(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    child_id = expect_json(await worker.get(case_path))["child_id"]
    child = expect_json(await worker.get(f"/v1/children/{child_id}"))
    [supporter] = expect_json(await worker.get(f"{case_path}/people"))["items"]
    referral = await send_new_referral(scenario, case_path, shared_fields=ALL_SHARED_FIELDS)
    assert (referral["status"], referral["sent_by_id"]) == ("sent", str(worker.id))
    copied_fields = ("names", "age", "sex", "phone", "phones", "languages", "disability", "school")
    assert referral["shared"] == {
        **{name: child[name] for name in copied_fields},
        "place": {"place_code": "1710", "address_detail": None},
        "supporter": [{name: supporter[name] for name in ("names", "phone", "phones")}],
        "need": "Stomach pain.",
    }
    small_referral = await send_new_referral(scenario, case_path, shared_fields=["sex", "need"])
    assert small_referral["shared"] == {"sex": "male", "need": "Stomach pain."}

    child_patch = {"names": [{"script": "latin", "given": "Rothana"}], "sex": "female"}
    expect_json(await worker.patch(f"/v1/children/{child_id}", child_patch, etag='"1"'))
    for sent_referral in (referral, small_referral):
        assert expect_json(await worker.get(f"/v1/service-referrals/{sent_referral['id']}")) == sent_referral


async def test_sending_reports_each_unmet_condition(scenario: Scenario) -> None:
    for consent_fields, provider_fields, expected_code in (
        ({"status": "refused"}, {}, "consent_refused"),
        ({"valid_until": yesterday()}, {}, "consent_expired"),
        ({"scope": ["services"]}, {}, "consent_scope"),
        ({}, {"kind": "authority"}, "consent_scope"),
        ({}, {"kind": "school"}, "consent_scope"),
        ({"recipient_agency_id": OTHER_AGENCY_ID}, {"agency_id": AGENCY_ID}, "consent_recipient"),
        ({"recipient_agency_id": OTHER_AGENCY_ID}, {}, "consent_recipient"),
        ({}, {"is_active": False}, "provider_inactive"),
        ({}, {"safeguarding_valid_until": yesterday()}, "safeguarding_invalid"),
        ({}, {"safeguarding_checked_on": None, "safeguarding_valid_until": None}, "safeguarding_invalid"),
        (
            {},
            {"safeguarding_checked_on": expired_check(), "safeguarding_valid_until": None},
            "safeguarding_invalid",
        ),
    ):
        case_path = await create_case_path(scenario)
        referral_path = await create_service_referral(
            scenario,
            case_path,
            consent_id=await create_consent(scenario, case_path, **consent_fields),
            provider_id=await create_provider(scenario, **provider_fields),
        )
        pointer = "/consent_id" if expected_code.startswith("consent") else "/provider_id"
        expected = {expected_code: pointer}
        if expected_code in {"consent_scope", "consent_recipient"}:
            expected["consent_giver_missing"] = pointer
        assert parse_unmet_pointers(await scenario.worker_north.act(referral_path, "send")) == expected, (
            consent_fields,
            provider_fields,
        )
        unchanged_referral = expect_json(await scenario.worker_north.get(referral_path))
        assert (
            unchanged_referral["status"],
            unchanged_referral["shared"],
            unchanged_referral["version"],
        ) == ("draft", None, 1)
        assert await list_service_referral_lines(scenario, case_path) == []


async def test_consent_dated_in_the_future_does_not_permit_sending(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case_path = await create_case_path(scenario)
    referral_path = await create_service_referral(
        scenario, case_path, consent_id=await create_consent(scenario, case_path, valid_until=None)
    )
    await superuser_connection.execute("UPDATE consents SET given_on = current_date + 2")
    assert parse_unmet_pointers(await scenario.worker_north.act(referral_path, "send")) == {
        "consent_ahead": "/consent_id",
        "consent_giver_missing": "/consent_id",
    }


async def test_sending_reports_all_unmet_conditions_together(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(
        scenario, case_path, scope=["recording"], recipient_agency_id=OTHER_AGENCY_ID
    )
    referral_path = await create_service_referral(
        scenario, case_path, consent_id=consent_id, provider_id=await create_provider(scenario, is_active=False, safeguarding_valid_until=yesterday())
    )  # fmt: skip
    expect_json(await worker.act(f"/v1/consents/{consent_id}", "withdraw", {"reason": "Changed her mind."}))
    expect_json(await worker.act(referral_path, "cancel", {"reason": "Too late."}))
    assert parse_unmet_pointers(await worker.act(referral_path, "send")) == {
        "status": "/status", "consent_withdrawn": "/consent_id", "consent_scope": "/consent_id",
        "consent_recipient": "/consent_id", "consent_giver_missing": "/consent_id", "provider_inactive": "/provider_id", "safeguarding_invalid": "/provider_id",
    }  # fmt: skip


async def test_matching_consent_permits_sending(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    for consent_fields, provider_fields in (
        ({"valid_until": today().isoformat()}, {"safeguarding_valid_until": today().isoformat()}),
        ({}, {"safeguarding_checked_on": oldest_valid_check(), "safeguarding_valid_until": None}),
        ({"recipient_agency_id": AGENCY_ID}, {"agency_id": AGENCY_ID}),
        ({"scope": ["share_with_school"]}, {"kind": "school"}),
        ({"scope": ["share_with_authorities"]}, {"kind": "authority"}),
    ):
        references = {
            "consent_id": await create_consent(scenario, case_path, **consent_fields),
            "provider_id": await create_provider(scenario, **provider_fields),
        }
        assert (await send_new_referral(scenario, case_path, **references))["status"] == "sent"


async def test_sending_without_consent_records_the_legal_basis(scenario: Scenario) -> None:
    case_path, provider_id = await create_case_path(scenario), await create_provider(scenario)
    expected_detail = {
        "provider_id": provider_id,
        "provider_name": "មន្ទីរពេទ្យ Angkor Hospital",
        "service": "medical",
    }
    referral_path = await create_service_referral(
        scenario, case_path, provider_id=provider_id, basis_without_consent=VITAL_INTEREST_BASIS
    )
    await confirm_pending_change(scenario, "consent_basis")
    referral = expect_json(await scenario.worker_north.act(referral_path, "send"))
    assert referral["basis_without_consent"] == {**VITAL_INTEREST_BASIS, "child_told": None}
    assert [
        entry
        for entry in await list_service_referral_lines(scenario, case_path)
        if entry[0] == "shared_without_consent"
    ] == [("shared_without_consent", {**expected_detail, "basis": "vital_interest"})]
    consent_id = await create_consent(
        scenario,
        case_path,
        given_by=[],
        method=None,
        basis_without_consent={**VITAL_INTEREST_BASIS, "basis": "court_order"},
    )
    await confirm_pending_change(scenario, "consent_basis")
    await send_new_referral(scenario, case_path, provider_id=provider_id, consent_id=consent_id)
    assert (await list_service_referral_lines(scenario, case_path))[-1] == (
        "shared_without_consent",
        {**expected_detail, "basis": "court_order"},
    )
    # The legal basis replaces the consent, but no other condition.
    unchecked_provider_id = await create_provider(scenario, safeguarding_valid_until=yesterday())
    referral_path = await create_service_referral(
        scenario, case_path, provider_id=unchecked_provider_id, basis_without_consent=VITAL_INTEREST_BASIS
    )
    await confirm_pending_change(scenario, "consent_basis")
    assert parse_unmet_pointers(await scenario.worker_north.act(referral_path, "send")) == {
        "safeguarding_invalid": "/provider_id"
    }


async def test_sending_waits_for_an_earlier_withdrawal(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: the lock on the register removed: the draft is sent while the withdrawal waits for its commit.
    case_path = await create_case_path(scenario)
    consent_id = await create_consent(scenario, case_path)
    referral_path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    withdrawal = superuser_connection.transaction()
    await withdrawal.start()
    await superuser_connection.execute("SELECT access.lock_consent_register(child_id) FROM consents")
    await superuser_connection.execute(
        "UPDATE consents SET withdrawn_at = now(), version = 2 WHERE id = $1", consent_id
    )
    send_task = asyncio.create_task(scenario.worker_north.post(f"{referral_path}/send", etag='"1"'))
    await wait_for_lock_waiters(superuser_connection, 1)
    assert not send_task.done()
    await withdrawal.commit()
    assert parse_unmet_pointers(await send_task) == {"consent_withdrawn": "/consent_id"}


async def test_withdrawal_waits_for_an_earlier_sending(scenario: Scenario, superuser_connection: Any) -> None:
    case_path = await create_case_path(scenario)
    consent_id = await create_consent(scenario, case_path)
    referral_path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    # A lock on the provider stops the sending after it has locked the register and before it commits.
    blocking_transaction: asyncpg.transaction.Transaction = superuser_connection.transaction()
    await blocking_transaction.start()
    await superuser_connection.execute("UPDATE providers SET version = version")
    send_task = asyncio.create_task(scenario.worker_north.post(f"{referral_path}/send", etag='"1"'))
    await wait_for_lock_waiters(superuser_connection, 1)
    payload = {"reason": "Changed her mind."}
    withdraw_task = asyncio.create_task(
        scenario.worker_north.post(f"/v1/consents/{consent_id}/withdraw", payload, etag='"1"')
    )
    await wait_for_lock_waiters(superuser_connection, 2)
    assert not send_task.done()
    assert not withdraw_task.done()
    await blocking_transaction.rollback()
    sent_referral, withdrawn_consent = expect_json(await send_task), expect_json(await withdraw_task)
    assert sent_referral["sent_at"] < withdrawn_consent["withdrawn_at"]


async def test_concurrent_sending_and_withdrawal_are_serialized(scenario: Scenario) -> None:
    case_path, worker, provider_id = (
        await create_case_path(scenario),
        scenario.worker_north,
        await create_provider(scenario),
    )
    for _ in range(8):
        consent_id = await create_consent(scenario, case_path)
        referral_path = await create_service_referral(
            scenario, case_path, consent_id=consent_id, provider_id=provider_id
        )
        send_response, withdraw_response = await asyncio.gather(
            worker.post(f"{referral_path}/send", etag='"1"'),
            worker.post(f"/v1/consents/{consent_id}/withdraw", {"reason": "No more."}, etag='"1"'),
        )
        withdrawn_consent = expect_json(withdraw_response)
        if send_response.status_code == 200:
            assert send_response.json()["sent_at"] < withdrawn_consent["withdrawn_at"]
        else:
            assert parse_unmet_pointers(send_response) == {"consent_withdrawn": "/consent_id"}
        later_path = await create_service_referral(
            scenario, case_path, consent_id=consent_id, provider_id=provider_id
        )
        assert parse_unmet_pointers(await worker.act(later_path, "send")) == {
            "consent_withdrawn": "/consent_id"
        }


async def test_shared_values_are_stored_in_encrypted_form_only(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case_path = await create_case_path(scenario)
    referral = await send_new_referral(scenario, case_path, need="Zqxcanary", shared_fields=ALL_SHARED_FIELDS)
    expect_json(
        await scenario.worker_north.act(
            f"/v1/service-referrals/{referral['id']}", "accept", {"note": "Zqxcanary"}
        )
    )
    for table in ("service_referrals", "case_history", "idempotency_records"):
        for row in await superuser_connection.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - a fixed list of tables
            row_text = json.dumps(dict(row), default=repr)
            assert "Zqxcanary" not in row_text
            assert referral["shared"]["names"][0]["given"] not in row_text
