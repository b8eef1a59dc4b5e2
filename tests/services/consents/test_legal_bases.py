"""Purposes of the consent register: a gate reads each of them, and a second person confirms a legal basis for it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app import services
from app.kit.dates import today
from app.models.record import utc_now
from app.schemas.codes import get_codes
from app.services.consents.age_bands import AgeBand
from app.services.consents.answers import RegisterEntry
from app.services.consents.gate import ConsentRegister
from tests.support.case_lifecycle import create_case_path
from tests.support.confirmations import confirm_pending_change, find_pending_change
from tests.support.payloads import VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario
from tests.support.service_referrals import create_service_referral

SERVICES = Path(services.__file__).parent
SCOPES = get_codes("consent_scope")


@pytest.mark.parametrize("scope", SCOPES)
def test_every_purpose_is_enforced_by_a_service(scope: str) -> None:
    # Catches: a code of `consent_scope` that no gate reads.
    assert any(f'"{scope}"' in path.read_text() for path in SERVICES.rglob("*.py"))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("giver", ["child", "caregiver"])
def test_unconfirmed_legal_basis_does_not_replace_a_refused_consent(scope: str, giver: str) -> None:
    # Catches: check_with_basis() without `is_basis_confirmed`.
    case_id, day = uuid4(), today() - timedelta(days=1)
    entry = RegisterEntry(case_id=case_id, given_by=[], given_on=day, created_at=utc_now(), scope=[scope])
    refusal = replace(entry, given_by=[giver], status="refused")
    basis = replace(entry, basis_without_consent="vital_interest")
    band = AgeBand(0, "sought", "sought")
    register = ConsentRegister([refusal, basis], band, case_id)
    assert [fault.code for fault in register.check_with_basis(scope)] == [
        "consent_refused",
        "basis_unconfirmed",
    ]
    confirmed = ConsentRegister([refusal, replace(basis, is_basis_confirmed=True)], band, case_id)
    assert list(confirmed.check_with_basis(scope)) == []


@pytest.mark.parametrize("scope", SCOPES)
async def test_legal_basis_waits_for_a_second_person(scenario: Scenario, scope: str) -> None:
    # Catches: the confirmation requested for some purposes only.
    case_path = await create_case_path(scenario)
    payload = {
        "scope": [scope],
        "on": today().isoformat(),
        "basis_without_consent": VITAL_INTEREST_BASIS,
    }
    entry = expect_json(await scenario.manager.post(f"{case_path}/consents", payload), 201)
    change = await find_pending_change(scenario.manager, "consent_basis")
    assert change["legal_basis"] == {"consent_id": entry["id"], "basis": "vital_interest", "scope": [scope]}
    refused = await scenario.manager.act(f"/v1/pending-changes/{change['id']}", "confirm")
    assert parse_unmet_pointers(refused) == {"own_request": None}
    await confirm_pending_change(scenario, "consent_basis")
    confirmed = expect_json(await scenario.dpo.get(f"/v1/consents/{entry['id']}"))
    assert confirmed["basis_confirmed_by_id"] == str(scenario.dpo.id)


async def test_referral_is_accepted_before_its_legal_basis_is_confirmed(scenario: Scenario) -> None:
    case = await scenario.open_case(consent={"basis_without_consent": VITAL_INTEREST_BASIS})
    [entry] = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/consents"))["items"]
    assert (entry["scope"], entry["basis_confirmed_at"]) == (["services"], None)
    change = await find_pending_change(scenario.dpo, "consent_basis")
    assert change["legal_basis"]["consent_id"] == entry["id"]


async def test_reading_a_requested_legal_basis_is_logged_for_the_child(scenario: Scenario) -> None:
    # Catches: the list of pending changes without `shows`; the outer join of consents removed.
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(scenario, case_path, basis_without_consent=VITAL_INTEREST_BASIS)
    assert (await worker.act(path, "send")).status_code == 409
    change = await find_pending_change(scenario.dpo, "consent_basis")
    child_id = expect_json(await worker.get(case_path))["child_id"]
    for reader in (worker, scenario.manager, scenario.dpo):
        for read in ("/v1/pending-changes", f"/v1/pending-changes/{change['id']}"):
            response = await reader.get(read)
            entries = await scenario.list_access_entries(response.headers["x-request-id"])
            logged = {
                (entry["child_id"], entry["record"]["kind"], entry["record"]["id"]) for entry in entries
            }
            assert (child_id, "consent", change["legal_basis"]["consent_id"]) in logged, (reader.name, read)
