"""The gates that ask the consent register: acceptance, start of services, sending, reopening."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    care_plan_payload,
    create_assessed_case,
    create_case_path,
    create_closed_case,
    fill_care_plan,
)
from tests.support.confirmations import confirm_pending_change, find_pending_change
from tests.support.locks import wait_for_lock_waiters
from tests.support.payloads import (
    PROVIDER_CONSENT_PAYLOAD,
    VITAL_INTEREST_BASIS,
    reopening_consent_payload,
)
from tests.support.referrals import create_referral_after_acts
from tests.support.responses import expect_json, parse_unmet_conditions, parse_unmet_pointers
from tests.support.row_factories import backdate_case_opening, date_in_days
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload
from tests.support.service_referrals import create_consent, create_provider, create_service_referral


def refusal_fields() -> dict[str, Any]:
    return {"status": "refused", "on": today().isoformat()}


REOPENING = {"reason": "Does not sleep again."}


def build_child(birth: dict[str, Any] | None) -> dict[str, Any]:
    return {**referral_payload()["child"], "birth": birth}


def build_birth(age: int, days: int = 0) -> dict[str, Any]:
    """Return the birth date of a child that became `age` years old some days ago."""
    return {"date": (add_months(today(), -12 * age) - timedelta(days=days)).isoformat(), "precision": "day"}


async def read_details(response: Any) -> list[str]:
    assert response.status_code == 409, response.text
    return [fault["detail"] for fault in response.json()["unmet"]]


async def test_later_refusal_of_the_child_stops_sharing_on_an_older_consent(scenario: Scenario) -> None:
    # Catches: check_entry() without the answers of the register.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(scenario, case_path)
    path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    sharing = {"given_by": ["child"], "scope": ["share_with_providers"]}
    await create_consent(scenario, case_path, **sharing, **refusal_fields())
    refused = await worker.act(path, "send")
    assert parse_unmet_pointers(refused) == {"consent_refused": "/consent_id"}
    assert await read_details(refused) == [f"The child refused share_with_providers on {today()}."]
    assert refused.json()["unmet"][0]["params"] == {
        "giver": "child",
        "scope": "share_with_providers",
        "on": today().isoformat(),
    }
    await create_consent(scenario, case_path, given_by=["child"], on=today().isoformat())
    expect_json(await worker.act(path, "send"))


@pytest.mark.parametrize("is_withdrawal", [True, False])
async def test_sharing_stops_when_the_consent_to_services_ends(
    scenario: Scenario, is_withdrawal: bool
) -> None:
    # Catches: check_entry() without the check of `services`.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(scenario, case_path, scope=["share_with_providers"])
    path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    services = await create_consent(scenario, case_path, scope=["services"], on=today().isoformat())
    if is_withdrawal:
        expect_json(await worker.act(f"/v1/consents/{services}", "withdraw", {"reason": "No more."}))
    else:
        await create_consent(scenario, case_path, scope=["services"], **refusal_fields())
    refused = await worker.act(path, "send")
    code, verb = (
        ("consent_withdrawn", "withdrew the consent to") if is_withdrawal else ("consent_refused", "refused")
    )
    assert parse_unmet_pointers(refused) == {code: "/consent_id"}
    assert await read_details(refused) == [
        f"The {giver} {verb} services on {today()}." for giver in ("child", "caregiver")
    ]
    assert {fault["params"]["scope"] for fault in refused.json()["unmet"]} == {"services"}
    basis = await create_service_referral(scenario, case_path, basis_without_consent=VITAL_INTEREST_BASIS)
    await confirm_pending_change(scenario, "consent_basis")
    expect_json(await worker.act(basis, "send"))
    await create_consent(scenario, case_path, scope=["services"], on=today().isoformat())
    expect_json(await worker.act(path, "send"))


async def test_refusal_that_was_given_before_the_consent_does_not_stop_sharing(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    consent_id = await create_consent(scenario, case_path)
    path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    await create_consent(scenario, case_path, status="refused", on="2026-01-09")
    expect_json(await scenario.worker_north.act(path, "send"))


async def test_refusal_for_one_agency_stops_sharing_with_this_agency(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(scenario, case_path)
    await create_consent(
        scenario, case_path, recipient_agency_id=str(id_of("Safe Steps")), **refusal_fields()
    )
    for agency, status in (("Safe Steps", 409), ("Helping Hands", 200)):
        provider_id = await create_provider(scenario, agency_id=str(id_of(agency)))
        path = await create_service_referral(
            scenario, case_path, consent_id=consent_id, provider_id=provider_id
        )
        assert (await worker.act(path, "send")).status_code == status, agency


async def test_fault_of_a_withdrawal_contains_the_giver(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    consent_id = await create_consent(scenario, case_path)
    path = f"/v1/consents/{consent_id}"
    wrong = await worker.act(path, "withdraw", {"reason": "No.", "withdrawn_givers": ["guardian"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "not_a_giver")
    withdrawn = await worker.act(path, "withdraw", {"reason": "No.", "withdrawn_givers": ["caregiver"]})
    assert expect_json(withdrawn)["withdrawn_givers"] == ["caregiver"]
    newer = await create_consent(scenario, case_path, on=today().isoformat(), given_by=["child"])
    referral = await create_service_referral(scenario, case_path, consent_id=newer)
    assert await read_details(await worker.act(referral, "send")) == [
        f"The caregiver withdrew the consent to {scope} on {today()}."
        for scope in ("share_with_providers", "services")
    ]
    await create_consent(scenario, case_path, on=today().isoformat(), given_by=["caregiver"])
    expect_json(await worker.act(referral, "send"))


async def test_alternative_giver_needs_a_reason_and_replaces_the_caregiver(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    await create_consent(scenario, case_path, given_by=["caregiver"], **refusal_fields())
    payload = {**PROVIDER_CONSENT_PAYLOAD, "given_by": ["other"], "on": today().isoformat()}
    refused = await worker.post(f"{case_path}/consents", payload)
    assert refused.json()["errors"][0]["code"] == "alternative_reason_missing"
    payload["alternative_giver_reason"] = "The stepfather may be involved."
    consent = expect_json(await worker.post(f"{case_path}/consents", payload), 201)
    assert consent["alternative_giver_reason"] == "The stepfather may be involved."
    path = await create_service_referral(scenario, case_path, consent_id=consent["id"])
    expect_json(await worker.act(path, "send"))


async def test_refusal_waits_for_an_earlier_sending(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: the trigger `lock_consent_register` only before an update.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(
        scenario, case_path, consent_id=await create_consent(scenario, case_path)
    )
    blocking = superuser_connection.transaction()
    await blocking.start()
    await superuser_connection.execute("UPDATE providers SET version = version")
    sending = asyncio.create_task(worker.post(f"{path}/send", etag='"1"'))
    await wait_for_lock_waiters(superuser_connection, 1)
    payload = {**PROVIDER_CONSENT_PAYLOAD, **refusal_fields()}
    refusal = asyncio.create_task(worker.post(f"{case_path}/consents", payload))
    await wait_for_lock_waiters(superuser_connection, 2)
    await blocking.rollback()
    expect_json(await sending)
    expect_json(await refusal, 201)


async def test_concurrent_refusal_and_sending_are_serialized(scenario: Scenario) -> None:
    for _ in range(4):
        case_path, worker = await create_case_path(scenario), scenario.worker_north
        path = await create_service_referral(
            scenario, case_path, consent_id=await create_consent(scenario, case_path)
        )
        sent, refused = await asyncio.gather(
            worker.post(f"{path}/send", etag='"1"'),
            worker.post(f"{case_path}/consents", {**PROVIDER_CONSENT_PAYLOAD, **refusal_fields()}),
        )
        expect_json(refused, 201)
        if sent.status_code != 200:
            assert parse_unmet_pointers(sent) == {"consent_refused": "/consent_id"}


@pytest.mark.parametrize(
    ("age", "given_by", "codes"),
    [
        ((12, -1), ["caregiver"], set()),
        ((12, 0), ["caregiver"], {"consent_giver_missing"}),
        ((12, 0), ["child"], {"consent_giver_missing"}),
        ((12, 0), ["child", "guardian"], set()),
        ((9, 0), ["child"], {"consent_giver_missing"}),
        ((9, 0), ["child", "other"], {"consent_giver_missing"}),
        (None, ["caregiver"], {"consent_giver_missing"}),
        (None, ["child", "caregiver"], set()),
    ],
)
async def test_acceptance_requires_the_consent_of_those_who_are_able_to_give_it(
    scenario: Scenario, age: tuple[int, int] | None, given_by: list[str], codes: set[str]
) -> None:
    birth = build_birth(*age) if age else None
    consent = {**referral_payload()["consent"], "given_by": given_by}
    path = await create_referral_after_acts(
        scenario, "acknowledge", child=build_child(birth), consent=consent
    )
    payload = acceptance_payload(screening={"meets_criteria": True, "reason": "Looks twelve."})
    response = await scenario.supervisor_north.act(path, "accept", payload)
    found = {code for _, code in parse_unmet_conditions(response)} if response.status_code == 409 else set()
    assert found == codes, response.text


async def test_referral_of_a_partner_needs_consent_to_sharing_with_first_step(scenario: Scenario) -> None:
    # Catches: `share_with_fsc` missing from the scopes.
    consent = {**referral_payload()["consent"], "scope": ["services"]}
    path = await create_referral_after_acts(scenario, "acknowledge", consent=consent)
    refused = await scenario.supervisor_north.act(path, "accept", acceptance_payload())
    assert parse_unmet_pointers(refused) == {"consent_giver_missing": "/consent"}
    own = await scenario.create_referral("worker_north", consent=consent, external_id=None)
    own_path = f"/v1/referrals/{own['id']}"
    expect_json(
        await scenario.supervisor_north.act(own_path, "acknowledge", {"team_id": str(id_of("north"))})
    )
    expect_json(await scenario.supervisor_north.act(own_path, "accept", acceptance_payload()))


async def test_refusal_in_an_earlier_case_counts_in_a_later_one(scenario: Scenario) -> None:
    # Catches: list_consent_register() with the entries of one case only.
    closed = await create_closed_case(scenario)
    old_path, worker = f"/v1/cases/{closed['id']}", scenario.worker_north
    await create_consent(scenario, old_path, given_by=["child"], **refusal_fields())
    path = await create_referral_after_acts(scenario, "acknowledge")
    payload = acceptance_payload(child_id=closed["child_id"])
    refused = await scenario.supervisor_north.act(path, "accept", payload)
    assert parse_unmet_pointers(refused) == {"consent_refused": "/consent"}
    newer = {**referral_payload()["consent"], "on": today().isoformat()}
    path = await create_referral_after_acts(scenario, "acknowledge", consent=newer)
    accepted = expect_json(await scenario.supervisor_north.act(path, "accept", payload))
    new_path = f"/v1/cases/{accepted['case_id']}"
    [consent] = expect_json(await worker.get(f"{new_path}/consents"))["items"]
    assert consent["on"] == today().isoformat()
    # The child has not agreed to sharing since the refusal.
    referral = await create_service_referral(
        scenario, new_path, consent_id=await create_consent(scenario, new_path)
    )
    assert parse_unmet_pointers(await worker.act(referral, "send")) == {"consent_refused": "/consent_id"}


async def test_consent_of_a_joined_referral_is_in_the_register(scenario: Scenario) -> None:
    case = await scenario.open_case()
    consent = {**referral_payload()["consent"], "on": "2026-02-02"}
    path = await create_referral_after_acts(scenario, "acknowledge", consent=consent)
    payload = acceptance_payload(child_id=case["child_id"])
    joined = expect_json(await scenario.supervisor_north.act(path, "accept", payload))
    assert joined["case_id"] == case["id"]
    entries = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/consents"))["items"]
    assert [entry["on"] for entry in entries] == ["2026-02-02", "2026-01-10"]


async def test_care_plan_does_not_start_services_after_a_refusal(scenario: Scenario) -> None:
    # Catches: `_check_services_consent` missing from the approval.
    case, assessment = await create_assessed_case(scenario)
    case_path, worker, supervisor = (
        f"/v1/cases/{case['id']}",
        scenario.worker_north,
        scenario.supervisor_north,
    )
    plan = expect_json(await worker.post(f"{case_path}/care-plans", care_plan_payload(assessment)), 201)
    path = f"/v1/care-plans/{(await fill_care_plan(scenario, plan))['id']}"
    expect_json(await worker.act(path, "submit"))
    refusal = await create_consent(scenario, case_path, given_by=["caregiver"], **refusal_fields())
    assert parse_unmet_pointers(await supervisor.act(path, "approve")) == {"consent_refused": None}
    basis = {"scope": ["services"], "on": today().isoformat(), "basis_without_consent": VITAL_INTEREST_BASIS}
    entry = expect_json(await worker.post(f"{case_path}/consents", basis), 201)
    refused = parse_unmet_pointers(await supervisor.act(path, "approve"))
    assert refused == {"consent_refused": None, "basis_unconfirmed": None}
    expect_json(await worker.act(f"/v1/consents/{entry['id']}", "withdraw", {"reason": "Not needed."}))
    expect_json(await worker.act(f"/v1/consents/{refusal}", "enter-in-error", {"reason": "Another child."}))
    expect_json(await supervisor.act(path, "approve"))


async def test_legal_basis_for_sharing_needs_a_second_person(scenario: Scenario) -> None:
    # Catches: the condition `basis_unconfirmed` removed.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    await create_consent(scenario, case_path, **refusal_fields())
    path = await create_service_referral(scenario, case_path, basis_without_consent=VITAL_INTEREST_BASIS)
    assert parse_unmet_pointers(await worker.act(path, "send")) == {
        "basis_unconfirmed": "/basis_without_consent"
    }
    referral = expect_json(await worker.get(path))
    change = await find_pending_change(scenario.dpo, "consent_basis")
    assert change["legal_basis"] == {
        "consent_id": referral["basis_entry_id"],
        "basis": "vital_interest",
        "scope": ["share_with_providers"],
    }
    change_path = f"/v1/pending-changes/{change['id']}"
    assert (await scenario.worker_north.act(change_path, "confirm")).status_code == 403
    confirmed = await scenario.manager.act(change_path, "confirm")
    expect_json(confirmed)
    child_id = expect_json(await worker.get(case_path))["child_id"]
    entries = await scenario.list_access_entries(confirmed.headers["x-request-id"])
    assert child_id in {entry["child_id"] for entry in entries}
    entry = expect_json(await scenario.dpo.get(f"/v1/consents/{referral['basis_entry_id']}"))
    assert entry["basis_confirmed_by"] == {"id": str(scenario.manager.id), "name": "Manager"}
    expect_json(await worker.act(path, "send"))


@pytest.mark.parametrize("act", ["withdraw", "enter-in-error"])
async def test_confirmation_of_a_legal_basis_ends_with_its_entry(scenario: Scenario, act: str) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    payload = {
        "scope": ["share_with_school"],
        "on": today().isoformat(),
        "basis_without_consent": VITAL_INTEREST_BASIS,
    }
    entry = expect_json(await worker.post(f"{case_path}/consents", payload), 201)
    change = await find_pending_change(scenario.dpo, "consent_basis")
    expect_json(await worker.act(f"/v1/consents/{entry['id']}", act, {"reason": "Not needed."}))
    path = f"/v1/pending-changes/{change['id']}"
    ended = expect_json(await scenario.dpo.get(path))
    assert (ended["status"], ended["decided_by_id"]) == ("superseded", str(worker.id))
    refused = parse_unmet_pointers(await scenario.dpo.act(path, "confirm"))
    assert refused["status"] == "/status"


async def test_changed_draft_needs_a_new_confirmation(scenario: Scenario) -> None:
    # Catches: the entry kept when the provider changes.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(scenario, case_path, basis_without_consent=VITAL_INTEREST_BASIS)
    await confirm_pending_change(scenario, "consent_basis")
    etag = (await worker.get(path)).headers["etag"]
    patch = {"provider_id": await create_provider(scenario, name="Another clinic")}
    expect_json(await worker.patch(path, patch, etag=etag))
    assert parse_unmet_pointers(await worker.act(path, "send")) == {
        "basis_unconfirmed": "/basis_without_consent"
    }
    await confirm_pending_change(scenario, "consent_basis")
    expect_json(await worker.act(path, "send"))


async def test_expired_consent_or_legal_basis_does_not_reopen_a_case(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `valid_until` of a legal basis ignored in check_new_consent().
    closed = await create_closed_case(scenario)
    await backdate_case_opening(superuser_connection, closed, 30, status="closed", closed_on=date_in_days(-9))
    period = {"on": str(date_in_days(-8)), "valid_until": str(date_in_days(-1))}
    basis = {"scope": ["services"], "basis_without_consent": VITAL_INTEREST_BASIS}
    for consent in (reopening_consent_payload(), basis):
        payload = {**REOPENING, "consent": {**consent, **period}}
        response = await scenario.supervisor_north.act(f"/v1/cases/{closed['id']}", "reopen", payload)
        assert parse_unmet_pointers(response) == {"consent_expired": "/consent/valid_until"}


async def test_reopening_requires_a_new_consent_or_a_legal_basis(scenario: Scenario) -> None:
    # Catches: check_new_consent() without the day of closing.
    closed = await create_closed_case(scenario)
    path, supervisor = f"/v1/cases/{closed['id']}", scenario.supervisor_north
    yesterday = (today() - timedelta(days=1)).isoformat()
    for consent, codes in (
        (None, {"consent_missing": "/consent"}),
        ({**reopening_consent_payload(), "status": "refused"}, {"consent_missing": "/consent"}),
        ({**reopening_consent_payload(), "scope": ["recording"]}, {"consent_missing": "/consent"}),
        ({**reopening_consent_payload(), "on": yesterday}, {"consent_before_closing": "/consent/on"}),
        ({**reopening_consent_payload(), "given_by": ["child"]}, {"consent_giver_missing": "/consent"}),
    ):
        payload = {**REOPENING, "consent": consent}
        assert parse_unmet_pointers(await supervisor.act(path, "reopen", payload)) == codes, consent
    basis = {"scope": ["services"], "on": today().isoformat(), "basis_without_consent": VITAL_INTEREST_BASIS}
    reopened = expect_json(await supervisor.act(path, "reopen", {**REOPENING, "consent": basis}), 201)
    [entry] = expect_json(await scenario.worker_north.get(f"/v1/cases/{reopened['id']}/consents"))["items"]
    assert entry["basis_without_consent"]["basis"] == "vital_interest"
