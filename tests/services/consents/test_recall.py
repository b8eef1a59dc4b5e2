"""Effects of a refusal or withdrawal: shared data is recalled, follow-ups are cancelled, recordings are refused."""

from typing import Any

from app.kit.dates import today
from tests.support.agenda import list_agenda
from tests.support.case_lifecycle import (
    create_approved_exit_plan,
    create_case_path,
    create_closed_case,
    create_exiting_case,
    iso_day,
)
from tests.support.confirmations import confirm_pending_change
from tests.support.documents import ACCEPTED_FILES, letter_payload
from tests.support.payloads import SERVICES_CONSENT_PAYLOAD, VITAL_INTEREST_BASIS, reopening_consent_payload
from tests.support.referrals import open_second_case
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_consent, create_provider, create_service_referral

REASON = {"reason": "Changed her mind."}
NOTE = {"note": "The hospital shredded the letter."}


def follow_up_payload() -> dict[str, Any]:
    return {"held_on": today().isoformat(), "wellbeing": "well"}


async def share(scenario: Scenario, case_path: str, consent_id: str, **changes: Any) -> str:
    """Send a service referral on a consent, and return its path."""
    path = await create_service_referral(scenario, case_path, consent_id=consent_id, **changes)
    expect_json(await scenario.worker_north.act(path, "send"))
    return path


async def test_withdrawal_lists_shared_data_until_it_is_recalled(scenario: Scenario) -> None:
    # Catches: the source `recall` removed; drafts recalled too.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(scenario, case_path)
    path = await share(scenario, case_path, consent_id, shared_fields=["age", "need"])
    await create_service_referral(scenario, case_path, consent_id=consent_id)
    sent = expect_json(await worker.get(path))
    assert sent["recall_requested_at"] is None
    assert parse_unmet_pointers(await worker.act(path, "recall", NOTE)) == {"recall_not_requested": None}
    withdrawn = expect_json(await worker.act(f"/v1/consents/{consent_id}", "withdraw", REASON))
    assert withdrawn["shared_before"] == [
        {
            "service_referral_id": sent["id"],
            "provider_id": sent["provider_id"],
            "provider_name": sent["provider_name"],
            "service": "medical",
            "shared_fields": ["age", "need"],
            "sent_at": sent["sent_at"],
            "consent_id": consent_id,
            "recalled_at": None,
        }
    ]
    [item] = await list_agenda(worker, kind="recall")
    assert (item["record"]["id"], item["record"]["kind"]) == (sent["id"], "service_referral")
    recalled = expect_json(await worker.act(path, "recall", NOTE))
    assert (recalled["recall_note"], recalled["recalled_by_id"]) == (NOTE["note"], str(worker.id))
    assert recalled["status"] == "sent"
    assert await list_agenda(worker, kind="recall") == []
    assert parse_unmet_pointers(await worker.act(path, "recall", NOTE)) == {"already_done": None}
    timeline = expect_json(await worker.get(f"{case_path}/timeline"))["items"]
    assert "service_referral_recalled" in {entry["kind"] for entry in timeline}


async def test_withdrawal_of_services_recalls_everything_that_was_shared(scenario: Scenario) -> None:
    # Catches: `services` missing from `_concerns`.
    case = await scenario.open_case()
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    [of_referral] = expect_json(await worker.get(f"{case_path}/consents"))["items"]
    sharing = await create_consent(scenario, case_path, scope=["share_with_providers"])
    path = await share(scenario, case_path, sharing)
    withdrawn = expect_json(await worker.act(f"/v1/consents/{of_referral['id']}", "withdraw", REASON))
    assert [item["service_referral_id"] for item in withdrawn["shared_before"]] == [path.split("/")[-1]]


async def test_refusal_in_a_reopened_case_recalls_what_the_earlier_case_shared(scenario: Scenario) -> None:
    # Catches: `_select_sent_referrals` with the service referrals of one case only.
    supervisor, worker = scenario.supervisor_north, scenario.worker_north
    case, _ = await create_exiting_case(scenario)
    case_path = f"/v1/cases/{case['id']}"
    path = await share(scenario, case_path, await create_consent(scenario, case_path))
    await create_approved_exit_plan(scenario, case["id"])
    closure = {"reason_code": "goals_met", "outcome": "Goes to school."}
    expect_json(await worker.act(case_path, "close", closure))
    reopening = {"reason": "Does not sleep again.", "consent": reopening_consent_payload()}
    new_case = expect_json(await supervisor.act(case_path, "reopen", reopening), 201)
    refusal = {"given_by": ["child"], "status": "refused", "method": "oral", "on": today().isoformat()}
    refusal |= {"scope": ["share_with_providers"]}
    refused = expect_json(await worker.post(f"/v1/cases/{new_case['id']}/consents", refusal), 201)
    assert [item["service_referral_id"] for item in refused["shared_before"]] == [path.split("/")[-1]]
    [item] = await list_agenda(worker, kind="recall")
    assert item["case_id"] == case["id"]
    expect_json(await worker.act(path, "recall", NOTE))


async def test_refusal_is_stored_while_break_glass_shows_an_earlier_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `_select_sent_referrals` without `is_case_staff`. The update of the other case then fails with 404.
    case = await scenario.open_case("worker_north")
    case_path = f"/v1/cases/{case['id']}"
    path = await share(scenario, case_path, await create_consent(scenario, case_path))
    second_case_id = await open_second_case(scenario, superuser_connection, case["child_id"])
    worker = scenario.worker_south
    expect_json(await worker.post(f"{case_path}/break-glass", {"reason": "The child is in danger tonight."}))
    refusal = {"given_by": ["child"], "status": "refused", "method": "oral", "on": today().isoformat()}
    refusal |= {"scope": ["share_with_providers"]}
    refused = expect_json(await worker.post(f"/v1/cases/{second_case_id}/consents", refusal), 201)
    assert refused["shared_before"] == []
    assert expect_json(await scenario.manager.get(path))["recall_requested_at"] is None


async def test_refusal_recalls_what_was_shared_for_its_purpose_and_recipient(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    one, other = [
        await create_provider(scenario, agency_id=str(id_of(name)))
        for name in ("Safe Steps", "Helping Hands")
    ]
    consent_id = await create_consent(scenario, case_path)
    path = await share(scenario, case_path, consent_id, provider_id=one)
    await share(scenario, case_path, consent_id, provider_id=other)
    refusal = {**SERVICES_CONSENT_PAYLOAD, "status": "refused", "on": today().isoformat()}
    for changes, expected in (
        ({"scope": ["recording"]}, []),
        ({"scope": ["share_with_school"]}, []),
        ({"scope": ["share_with_providers"], "recipient_agency_id": str(id_of("Safe Steps"))}, [path]),
    ):
        refused = expect_json(await worker.post(f"{case_path}/consents", {**refusal, **changes}), 201)
        found = [f"/v1/service-referrals/{item['service_referral_id']}" for item in refused["shared_before"]]
        assert found == expected
    consent = expect_json(await worker.post(f"{case_path}/consents", SERVICES_CONSENT_PAYLOAD), 201)
    assert consent["shared_before"] == []


async def test_contact_after_the_support_needs_consent(scenario: Scenario) -> None:
    # Catches: `_check_contact_consent` missing from the update or of the creation.
    closed = await create_closed_case(scenario)
    case_path, worker = f"/v1/cases/{closed['id']}", scenario.worker_north
    [consent] = expect_json(await worker.get(f"{case_path}/consents"))["items"]
    first = expect_json(await worker.get(f"{case_path}/follow-ups"))["items"][-1]
    marked = await worker.act(f"/v1/consents/{consent['id']}", "enter-in-error", REASON)
    assert marked.status_code in {200, 409}
    if marked.status_code == 409:
        expect_json(
            await scenario.supervisor_north.act(f"/v1/consents/{consent['id']}", "enter-in-error", REASON)
        )
    path = f"/v1/follow-ups/{first['id']}"
    for refused in (
        await worker.patch(path, follow_up_payload(), etag='"1"'),
        await worker.post(f"{case_path}/follow-ups", follow_up_payload()),
    ):
        assert parse_unmet_pointers(refused) == {"consent_giver_missing": None}
    missed = await worker.patch(path, {**follow_up_payload(), "wellbeing": "not_reached"}, etag='"1"')
    assert expect_json(missed)["status"] == "missed"
    await create_consent(scenario, case_path, scope=["follow_up_contact"], on=today().isoformat())
    assert expect_json(await worker.patch(path, follow_up_payload(), etag='"2"'))["status"] == "held"


async def test_refusal_of_contact_cancels_the_follow_ups(scenario: Scenario) -> None:
    closed = await create_closed_case(scenario)
    case_path, worker = f"/v1/cases/{closed['id']}", scenario.worker_north
    assert await list_agenda(worker, kind="follow_up", until="2027-12-31")
    await create_consent(
        scenario, case_path, scope=["follow_up_contact"], status="refused", on=today().isoformat()
    )
    follow_ups = expect_json(await worker.get(f"{case_path}/follow-ups"))["items"]
    assert {follow_up["status"] for follow_up in follow_ups} == {"cancelled"}
    assert await list_agenda(worker, kind="follow_up", until="2027-12-31") == []


async def test_recording_needs_consent(scenario: Scenario) -> None:
    # Catches: `_check_recording` is not called, or does not check videos or photographs.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    files = [ACCEPTED_FILES[name][0] for name in ("mp3", "mp4")]
    payloads = [
        *(letter_payload(kind="other", content=content) for content in files),
        letter_payload(kind="photo", content=ACCEPTED_FILES["png"][0]),
    ]
    for payload in payloads:
        refused = await worker.post(f"{case_path}/documents", payload)
        assert parse_unmet_pointers(refused) == {"consent_giver_missing": "/content"}
    scan = letter_payload(kind="medical", content=ACCEPTED_FILES["png"][0])
    expect_json(await worker.post(f"{case_path}/documents", scan), 201)
    await create_consent(scenario, case_path, scope=["recording"])
    for payload in payloads:
        expect_json(await worker.post(f"{case_path}/documents", payload), 201)
    await create_consent(scenario, case_path, scope=["recording"], given_by=["child"], status="refused")
    refused = await worker.post(f"{case_path}/documents", payloads[0])
    assert parse_unmet_pointers(refused) == {"consent_refused": "/content"}
    basis = {"scope": ["recording"], "on": today().isoformat(), "basis_without_consent": VITAL_INTEREST_BASIS}
    expect_json(await worker.post(f"{case_path}/consents", basis), 201)
    refused = await worker.post(f"{case_path}/documents", payloads[0])
    assert parse_unmet_pointers(refused) == {"consent_refused": "/content", "basis_unconfirmed": "/content"}
    await confirm_pending_change(scenario, "consent_basis")
    expect_json(await worker.post(f"{case_path}/documents", payloads[0]), 201)


async def test_recording_on_a_legal_basis_ends_with_the_basis(scenario: Scenario) -> None:
    # Catches: `valid_until` ignored in `is_legal_basis_on`.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    payload = letter_payload(kind="other", content=ACCEPTED_FILES["mp3"][0])
    basis = {"scope": ["recording"], "on": iso_day(-9), "basis_without_consent": VITAL_INTEREST_BASIS}
    expect_json(await worker.post(f"{case_path}/consents", {**basis, "valid_until": iso_day(-1)}), 201)
    await confirm_pending_change(scenario, "consent_basis")
    refused = await worker.post(f"{case_path}/documents", payload)
    assert parse_unmet_pointers(refused) == {"consent_giver_missing": "/content"}
    expect_json(await worker.post(f"{case_path}/consents", {**basis, "valid_until": iso_day(0)}), 201)
    await confirm_pending_change(scenario, "consent_basis")
    expect_json(await worker.post(f"{case_path}/documents", payload), 201)


async def test_consent_entered_in_error_recalls_what_was_shared_on_it(scenario: Scenario) -> None:
    # Catches: `request_recalls` missing from `mark_consent`.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consents = [await create_consent(scenario, case_path) for _ in range(2)]
    path, _ = [await share(scenario, case_path, consent_id) for consent_id in consents]
    expect_json(await worker.act(f"/v1/consents/{consents[0]}", "enter-in-error", REASON))
    [item] = await list_agenda(worker, kind="recall")
    assert item["record"]["id"] == path.rpartition("/")[2]
    expect_json(await worker.act(path, "recall", NOTE))
