"""Records that were entered in error stay readable with a mark, and nothing uses them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.case_samples import SampleCase, create_case_with_records
from tests.support.fund import create_fund, create_paid_disbursement, upload_receipt, usd
from tests.support.list_pages import fetch_items
from tests.support.payloads import HELD_SESSION_PAYLOAD, PERSON_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.row_changes import is_accepted
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_consent, create_service_referral

REASON = {"reason": "It belongs to another child."}
RESOURCES = {
    "support_session": "support-sessions",
    "document": "documents",
    "person": "people",
    "consent": "consents",
    "legal_step": "legal-steps",
}
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "support_session": ("PATCH", "", {"summary": "Later."}),
    "person": ("PATCH", "", {"relationship": "aunt"}),
    "consent": ("POST", "/withdraw", {"reason": "Not wanted."}),
    "legal_step": ("PATCH", "", {"status": "done"}),
}


@pytest.fixture
async def sample(scenario: Scenario) -> SampleCase:
    return await create_case_with_records(scenario, "worker_north")


def path_of(sample: SampleCase, kind: str) -> str:
    return f"/v1/{RESOURCES[kind]}/{sample.ids[kind]}"


@pytest.mark.parametrize("kind", RESOURCES)
async def test_record_entered_in_error_stays_readable_and_leaves_the_list(
    scenario: Scenario, sample: SampleCase, kind: str
) -> None:
    # Catches: `build_error_filter` missing from the list; `check_not_entered_in_error` missing from
    # `get_version_for_update`.
    worker, path = scenario.worker_north, path_of(sample, kind)
    before = expect_json(await worker.get(path))
    assert before["entered_in_error"] is None
    assert (await worker.post(f"{path}/enter-in-error", REASON)).status_code == 428
    response = await worker.act(path, "enter-in-error", REASON)
    marked = expect_json(response)
    assert marked["entered_in_error"]["reason"] == REASON["reason"]
    assert marked["entered_in_error"]["by"] == {"id": str(worker.id), "name": "Worker North"}
    assert marked["version"] == before["version"] + 1
    assert expect_json(await worker.get(path)) == marked

    list_path = f"{sample.path}/{RESOURCES[kind]}"
    assert sample.ids[kind] not in [item["id"] for item in await fetch_items(worker, list_path)]
    [listed] = await fetch_items(worker, list_path, entered_in_error="true")
    assert (listed["id"], listed["entered_in_error"]) == (sample.ids[kind], marked["entered_in_error"])
    entries = expect_json(await worker.get(f"{sample.path}/timeline?kind=entered_in_error"))["items"]
    assert [entry["record_id"] for entry in entries] == [sample.ids[kind]]
    log = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in log} == {sample.case["child_id"]}

    again = await worker.act(path, "enter-in-error", REASON)
    assert parse_unmet_pointers(again) == {"entered_in_error": None}
    if kind in CHANGES:
        method, verb, payload = CHANGES[kind]
        etag = f'"{marked["version"]}"'
        change = await worker.request(method, path + verb, json=payload, headers={"If-Match": etag})
        assert "entered_in_error" in parse_unmet_pointers(change)


@pytest.mark.parametrize("kind", RESOURCES)
async def test_only_author_lead_worker_and_supervisors_mark_a_record(
    scenario: Scenario, sample: SampleCase, kind: str
) -> None:
    # Catches: `access.can_enter_in_error` without its last condition, which admits co-workers.
    assignment = {
        "lead_worker_id": str(id_of("worker_north")),
        "co_worker_ids": [str(id_of("worker_north_2"))],
    }
    expect_json(await scenario.supervisor_north.act(sample.path, "assign", assignment))
    path = path_of(sample, kind)
    assert parse_unmet_pointers(await scenario.worker_north_2.act(path, "enter-in-error", REASON)) == {
        "not_yours": None
    }
    assert (await scenario.worker_south.post(f"{path}/enter-in-error", REASON, etag='"1"')).status_code == 404
    expect_json(await scenario.supervisor_north.act(path, "enter-in-error", REASON))


async def test_co_worker_marks_own_record(scenario: Scenario, sample: SampleCase) -> None:
    assignment = {
        "lead_worker_id": str(id_of("worker_north")),
        "co_worker_ids": [str(id_of("worker_north_2"))],
    }
    expect_json(await scenario.supervisor_north.act(sample.path, "assign", assignment))
    co_worker = scenario.worker_north_2
    visit = expect_json(await co_worker.post(f"{sample.path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    expect_json(await co_worker.act(f"/v1/support-sessions/{visit['id']}", "enter-in-error", REASON))


async def test_session_entered_in_error_is_not_a_contact(scenario: Scenario, sample: SampleCase) -> None:
    # Catches: the condition on `entered_in_error_at` missing from access.update_last_contact().
    worker = scenario.worker_north
    earlier = {**HELD_SESSION_PAYLOAD, "held_at": "2026-01-02T02:00:00Z"}
    expect_json(await worker.post(f"{sample.path}/support-sessions", earlier), 201)
    assert expect_json(await worker.get(sample.path))["last_contact_on"] == "2026-01-13"
    session_path = path_of(sample, "support_session")
    expect_json(await worker.act(session_path, "enter-in-error", REASON))
    assert expect_json(await worker.get(sample.path))["last_contact_on"] == "2026-01-02"
    note = await worker.put(f"{session_path}/clinical-note", {"text": "Later."}, etag='"1"')
    assert "entered_in_error" in parse_unmet_pointers(note)
    addendum = await worker.post(f"{session_path}/addenda", {"text": "Later."})
    assert "entered_in_error" in parse_unmet_pointers(addendum)


async def test_session_entered_in_error_is_not_counted_in_the_review(
    scenario: Scenario, sample: SampleCase
) -> None:
    worker = scenario.worker_north
    path = f"/v1/reviews/{sample.ids['review']}"
    before = expect_json(await worker.get(path))["happened"]
    expect_json(await worker.act(path_of(sample, "support_session"), "enter-in-error", REASON))
    after = expect_json(await worker.get(path))["happened"]
    assert (before["sessions_held"], after["sessions_held"]) == (1, 0)


async def test_plans_entered_in_error_leave_the_agenda(scenario: Scenario, sample: SampleCase) -> None:
    worker = scenario.worker_north
    soon = (today() + timedelta(days=1)).isoformat()
    visit, hearing = [
        expect_json(await worker.post(f"{sample.path}/{resource}", payload), 201)
        for resource, payload in (
            ("support-sessions", {"kind": "home_visit", "planned_at": f"{soon}T02:00:00Z"}),
            ("legal-steps", {"kind": "court_date", "status": "planned", "on": soon}),
        )
    ]
    for record, resource in ((visit, "support-sessions"), (hearing, "legal-steps")):
        ids = [item["record"]["id"] for item in await fetch_items(worker, "/v1/me/agenda", until=soon)]
        assert record["id"] in ids
        expect_json(await worker.act(f"/v1/{resource}/{record['id']}", "enter-in-error", REASON))
        ids = [item["record"]["id"] for item in await fetch_items(worker, "/v1/me/agenda", until=soon)]
        assert record["id"] not in ids


async def test_phone_of_a_person_entered_in_error_does_not_find_the_child(
    scenario: Scenario, sample: SampleCase
) -> None:
    # Catches: `refresh_child_search_tokens` removed; `is_valid(Person)` missing from `PEOPLE_DETAILS_QUERY`.
    worker = scenario.worker_north
    aunt = {
        **PERSON_PAYLOAD,
        "role": "family",
        "phone": {"number": "012 777 654", "owner": "self", "safe_to_call": True},
    }
    person = expect_json(await worker.post(f"{sample.path}/people", aunt), 201)
    search = {"q": "012777654"}
    assert [item["id"] for item in await fetch_items(worker, "/v1/children", **search)] == [
        sample.case["child_id"]
    ]
    expect_json(await worker.act(f"/v1/people/{person['id']}", "enter-in-error", REASON))
    assert await fetch_items(worker, "/v1/children", **search) == []


async def test_person_entered_in_error_cannot_be_subject_of_an_assessment(
    scenario: Scenario, sample: SampleCase
) -> None:
    worker = scenario.worker_north
    expect_json(await worker.act(path_of(sample, "person"), "enter-in-error", REASON))
    payload = {"subject": "supporter", "person_id": sample.ids["person"], "kind": "initial"}
    response = await worker.post(f"{sample.path}/assessments", payload)
    assert response.status_code == 422
    assert response.json()["errors"][0]["code"] == "person_unknown"


async def test_record_of_a_closed_case_is_marked(
    scenario: Scenario, sample: SampleCase, superuser_connection: Any
) -> None:
    query = (
        "UPDATE cases SET status = 'closed', closed_on = current_date, next_review_on = NULL WHERE id = $1"
    )
    await superuser_connection.execute(query, sample.case["id"])
    for kind in RESOURCES:
        expect_json(await scenario.worker_north.act(path_of(sample, kind), "enter-in-error", REASON))


async def test_only_one_of_two_concurrent_error_marks_succeeds(
    scenario: Scenario, sample: SampleCase
) -> None:
    path = path_of(sample, "legal_step")
    callers = (scenario.worker_north, scenario.supervisor_north)
    responses = await asyncio.gather(
        *(caller.post(f"{path}/enter-in-error", REASON, etag='"1"') for caller in callers)
    )
    assert sorted(response.status_code for response in responses) == [200, 412]


async def test_repeated_mark_with_the_same_key_has_one_effect(scenario: Scenario, sample: SampleCase) -> None:
    path, worker = path_of(sample, "consent"), scenario.worker_north
    first, second = [
        await worker.post(f"{path}/enter-in-error", REASON, etag='"1"', key="mark") for _ in range(2)
    ]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"


async def test_link_entered_in_error_ends_the_conflict_wall(scenario: Scenario) -> None:
    # Catches: the condition on `entered_in_error_at` missing from access.list_conflict_wall_case_ids().
    own, other = [await scenario.open_case(lead) for lead in ("worker_north", "worker_south")]
    supervisor, path = scenario.supervisor_both, f"/v1/cases/{own['id']}/links"
    payload = {"linked_case_id": other["id"], "reason": "They are brothers."}
    link = expect_json(await supervisor.post(path, payload), 201)
    reader, break_glass = scenario.worker_north, {"reason": "On call tonight, the child is alone."}
    opening = f"/v1/cases/{other['id']}/break-glass"
    assert (await reader.post(opening, break_glass)).status_code == 404
    assert (await reader.post(f"/v1/case-links/{link['id']}/enter-in-error", REASON)).status_code == 403
    marked = expect_json(
        await supervisor.post(
            f"/v1/case-links/{link['id']}/enter-in-error", REASON, etag=f'"{link["version"]}"'
        )
    )
    assert marked["entered_in_error"]["reason"] == REASON["reason"]
    expect_json(await reader.post(opening, break_glass))
    assert await fetch_items(supervisor, path) == []
    assert await fetch_items(supervisor, path, entered_in_error="true") == [marked]
    assert expect_json(await supervisor.post(path, payload), 201)["id"] != link["id"]
    timeline = expect_json(await supervisor.get(f"/v1/cases/{own['id']}/timeline"))["items"]
    assert "entered_in_error" not in [entry["kind"] for entry in timeline]


MARK_SQL = """
    UPDATE {table} SET entered_in_error_at = now(), entered_in_error_by_id = $2,
           entered_in_error_reason_encrypted = 'x', version = version + 1{other}
     WHERE id = $1
"""
OTHER_COLUMNS = {
    "support_session": "kind = 'phone_call'",
    "person": "relationship = 'aunt'",
    "consent": "withdrawn_at = now(), withdrawn_by_id = entered_in_error_by_id",
    "legal_step": "kind = 'incident'",
}
TABLES = {kind: resource.replace("-", "_") for kind, resource in RESOURCES.items()}


@pytest.mark.parametrize("kind", RESOURCES)
async def test_mark_by_sql_follows_the_same_rules(
    scenario: Scenario, sample: SampleCase, api_connection: Any, kind: str
) -> None:
    # Catches: the trigger protect_entered_in_error dropped from the table.
    statement, record_id = MARK_SQL.format(table=TABLES[kind], other=""), sample.ids[kind]
    async with open_transaction_as(api_connection, "worker_north", "record.enter_in_error"):
        assert await is_accepted(api_connection, statement, record_id, id_of("worker_north"))
        assert not await is_accepted(api_connection, statement, record_id, id_of("supervisor_north"))
        if kind in OTHER_COLUMNS:
            greedy = MARK_SQL.format(table=TABLES[kind], other=f", {OTHER_COLUMNS[kind]}")
            assert not await is_accepted(api_connection, greedy, record_id, id_of("worker_north"))
    expect_json(await scenario.worker_north.act(path_of(sample, kind), "enter-in-error", REASON))
    async with open_transaction_as(api_connection, "worker_north", "record.enter_in_error"):
        assert not await is_accepted(api_connection, statement, record_id, id_of("worker_north"))
        unmark = f"UPDATE {TABLES[kind]} SET entered_in_error_at = NULL WHERE id = $1"  # noqa: S608 - names of tables
        assert not await is_accepted(api_connection, unmark, record_id)


async def test_receipt_entered_in_error_proves_no_payment(scenario: Scenario) -> None:
    # Catches: the condition on `entered_in_error_at` missing from access.count_payment_proofs().
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_paid_disbursement(scenario, case, fund)
    receipt = await upload_receipt(scenario, case)
    expect_json(await scenario.worker_north.act(f"/v1/documents/{receipt}", "enter-in-error", REASON))
    payload = {"spent": usd("12.50"), "receipt_document_ids": [receipt]}
    path = f"/v1/disbursements/{disbursement['id']}"
    assert "proof_unknown" in parse_unmet_pointers(await scenario.finance.act(path, "reconcile", payload))


async def test_consent_entered_in_error_permits_no_sharing(scenario: Scenario) -> None:
    # Catches: the mark missing from `RegisterEntry.concerns` and `_check_entry_itself`.
    case = await scenario.open_case()
    case_path = f"/v1/cases/{case['id']}"
    consent_id = await create_consent(scenario, case_path)
    path = await create_service_referral(scenario, case_path, consent_id=consent_id)
    expect_json(await scenario.worker_north.act(f"/v1/consents/{consent_id}", "enter-in-error", REASON))
    unmet = parse_unmet_pointers(await scenario.worker_north.act(path, "send"))
    assert unmet == {"entered_in_error": "/consent_id", "consent_giver_missing": "/consent_id"}
