"""The case file: its parts per caller, its cursors, its entry in the access log and its number of statements."""

from typing import Any, get_args
from uuid import UUID

from sqlmodel import SQLModel

from app.access.permissions import POLICY, Permission
from app.models import (
    CaseHistoryEntry,
    Consent,
    Disbursement,
    Document,
    LegalStep,
    Person,
    Review,
    SupportSession,
)
from app.schemas.case_file import CaseFilePart
from tests.support.case_lifecycle import (
    create_active_case,
    create_approved_assessment,
    create_approved_care_plan,
)
from tests.support.documents import upload_document
from tests.support.endpoint_samples import create_complete_case
from tests.support.list_pages import fetch_items
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.responses import expect_json
from tests.support.row_factories import (
    WORKER_ID,
    case_foreign_keys,
    date_in_days,
    insert_care_plan,
    insert_row,
    local_datetime,
)
from tests.support.scenario import AuthenticatedClient, Scenario, id_of
from tests.support.sql_statements import record_statements

PARTS = set(get_args(CaseFilePart.__value__))
LIST_PATHS = {
    "people": "/v1/cases/{case_id}/people",
    "consents": "/v1/cases/{case_id}/consents",
    "reviews": "/v1/cases/{case_id}/reviews",
    "sessions": "/v1/cases/{case_id}/support-sessions",
    "legal_steps": "/v1/cases/{case_id}/legal-steps",
    "documents": "/v1/cases/{case_id}/documents",
    "money": "/v1/disbursements",
    "timeline": "/v1/cases/{case_id}/timeline",
}
"""Endpoint of each part that is the first page of a list. The endpoint of `money` has the parameter `case_id`."""
STATEMENTS = {
    "child": 2, "people": 2, "consents": 1, "assessment": 2, "plan": 5, "reviews": 1, "feedback": 1, "sessions": 1, "legal_steps": 1,
    "documents": 1, "money": 1, "timeline": 1,
}  # fmt: skip
"""Number of statements of each part. The query of the case is one more."""


async def get_file(caller: AuthenticatedClient, case_id: str, *parts: str) -> dict[str, Any]:
    params = {"parts": ",".join(parts)} if parts else {}
    return expect_json(await caller.get(f"/v1/cases/{case_id}/file", params=params))


def list_parameters(part: str, case_id: str) -> dict[str, str]:
    """Return the query parameters with which the endpoint of a part lists the same records."""
    return {"case_id": case_id} if part == "money" else {}


async def create_case_with_all_tiers(scenario: Scenario) -> dict[str, Any]:
    """Create a complete case of two workers with documents of every tier, opened by worker_south with break-glass."""
    ids = await create_complete_case(scenario)
    path = f"/v1/cases/{ids['case_id']}"
    staff = {"lead_worker_id": str(WORKER_ID), "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    for tier in ("clinical", "legal"):
        await upload_document(scenario, path, tier=tier)
    expect_json(await scenario.worker_south.post(f"{path}/break-glass", BREAK_GLASS_PAYLOAD))
    return ids


async def test_case_file_parts_equal_the_responses_of_their_endpoints(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: legal steps that are not closed for a break-glass reader; `superseded` among the statuses of the plans.
    ids = await create_case_with_all_tiers(scenario)
    await insert_care_plan(superuser_connection, ids["case"], status="superseded", subject="family")
    document_counts = {
        "worker_north": 3,
        "supervisor_north": 3,
        "worker_north_2": 2,
        "manager": 2,
        "worker_south": 1,
    }
    for name, document_count in document_counts.items():
        caller = scenario.client_for(name)
        file = await get_file(caller, ids["case_id"])
        assert file.keys() == PARTS | {"case"}
        assert file["legal_steps"].pop("closed") == (name == "worker_south")
        for part, path in LIST_PATHS.items():
            response = await caller.get(path.format(**ids), params=list_parameters(part, ids["case_id"]))
            if (name, part) == ("worker_south", "legal_steps"):
                assert response.status_code == 404
                assert file[part] == {"items": None, "next_cursor": None}
            else:
                assert file[part] == expect_json(response), (name, part)
        assert len(file["documents"]["items"]) == document_count, name
        for part, path in {
            "case": f"/v1/cases/{ids['case_id']}",
            "child": f"/v1/children/{ids['child_id']}",
            "assessment": f"/v1/assessments/{ids['assessment_id']}",
        }.items():
            assert file[part] == expect_json(await caller.get(path)), (name, part)
        plan = expect_json(await caller.get(f"/v1/care-plans/{ids['plan_id']}"))
        assert file["plan"] == {"items": [plan], "next_cursor": None}, name


async def test_case_file_rejects_callers_like_the_case_endpoint(scenario: Scenario) -> None:
    case = await scenario.open_case()
    for name, status in {
        "worker_north_2": 404, "worker_south": 404, "supervisor_south": 404, "finance": 403, "me_officer": 403,
        "dpo": 403, "admin": 403, "partner_one": 403, "reporting": 403,
    }.items():  # fmt: skip
        caller = scenario.client_for(name)
        for path in (f"/v1/cases/{case['id']}", f"/v1/cases/{case['id']}/file"):
            assert (await caller.get(path)).status_code == status, (name, path)


def test_roles_with_case_file_permission_have_the_permission_of_every_part() -> None:
    # The file requires one permission. A role without the permission of a part could read the part only here.
    parts = (
        Permission.case_read, Permission.child_read, Permission.person_read, Permission.consent_read,
        Permission.assessment_read, Permission.care_plan_read, Permission.review_read, Permission.support_session_read,
        Permission.legal_step_read, Permission.document_read, Permission.disbursement_read, Permission.case_timeline,
        Permission.feedback_read,
    )  # fmt: skip
    assert len(parts) == len(PARTS) + 1
    for permission in parts:
        assert POLICY[Permission.case_file] <= POLICY[permission], permission


async def test_case_file_writes_one_access_entry_for_the_child(scenario: Scenario) -> None:
    ids = await create_complete_case(scenario)
    response = await scenario.worker_north.get(f"/v1/cases/{ids['case_id']}/file")
    assert "etag" not in response.headers
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["case_id"], entry["record"]) == (
        "case.file", ids["child_id"], ids["case_id"], {"kind": "case", "id": ids["case_id"]},
    )  # fmt: skip


async def test_parts_that_are_not_requested_are_null(scenario: Scenario) -> None:
    case, caller = await scenario.open_case(), scenario.worker_south
    expect_json(await caller.post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD))
    file = await get_file(caller, case["id"], "people", "assessment")
    assert {part for part in PARTS if file[part] is not None} == {"people"}, "the case has no assessment"
    assert file["case"]["id"] == case["id"]
    assert (await get_file(caller, case["id"], "legal_steps"))["legal_steps"]["closed"]
    response = await caller.get(f"/v1/cases/{case['id']}/file?parts=money,diary")
    (fault,) = expect_json(response, 422)["errors"]
    assert (fault["pointer"], fault["code"], set(fault["params"]["allowed"])) == (
        "query:parts", "literal_error", PARTS,
    )  # fmt: skip


def build_records(case: dict[str, Any], plan_id: UUID, number: int) -> list[SQLModel]:
    """Return one record of each part that is a list."""
    keys, day = case_foreign_keys(case), date_in_days(number)
    author: dict[str, Any] = {"author_id": WORKER_ID}
    person = Person(**keys, role="other", relationship="neighbour")
    person.details = {"names": [], "phones": [], "place_code": "1710", "address_detail": None}
    consent = Consent(
        **keys, status="given", given_by=["child"], method="oral", given_on=day, scope=["services"], recorded_by_id=WORKER_ID
    )  # fmt: skip
    consent.details = {"witness": None, "basis_without_consent": None}
    document = Document(**keys, **author, kind="letter", media_type="text/plain", size=1)
    document.details = {"title": "Letter", "file_name": "Letter.txt", "description": None}
    return [
        person,
        consent,
        Review(**keys, plan_id=plan_id, number=100 + number, due_on=day, status="cancelled"),
        SupportSession(**keys, **author, worker_id=WORKER_ID, kind="home_visit", planned_at=local_datetime(day)),
        LegalStep(**keys, **author, kind="court_hearing", status="planned", on=day),
        document,
        Disbursement(
            **keys, number=f"A-{number}", case_number=case["number"], beneficiary="child", category="transport",
            amount=1250, currency="USD", urgency="routine", release_on=day, requested_by_id=WORKER_ID,
        ),
        CaseHistoryEntry(
            **keys, by_id=WORKER_ID, kind="case_changed", record_kind="case", record_id=keys["case_id"]
        ),
    ]  # fmt: skip


async def insert_records(superuser: Any, case: dict[str, Any], plan_id: str, numbers: range) -> None:
    for number in numbers:
        for record in build_records(case, UUID(plan_id), number):
            await insert_row(superuser, record)


async def test_cursor_of_each_part_continues_in_its_own_endpoint(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `sort="-at"` for the support sessions of the file; the disbursements of all cases.
    case, plan = await create_active_case(scenario)
    await insert_records(superuser_connection, case, plan["id"], range(51))
    file = await get_file(scenario.worker_north, case["id"])
    for part, path_format in LIST_PATHS.items():
        first, path = file[part]["items"], path_format.format(case_id=case["id"])
        params = list_parameters(part, case["id"])
        rest = await fetch_items(scenario.worker_north, path, **params, cursor=file[part]["next_cursor"])
        assert (len(first), len(rest) > 0) == (50, True), part
        assert first + rest == await fetch_items(scenario.worker_north, path, **params), part


async def test_number_of_statements_does_not_depend_on_the_number_of_records(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: each care plan loaded by itself; `ensure_visible` for each empty list.
    empty_case = await scenario.open_case()
    case, plan = await create_active_case(scenario)
    for subject, numbers in (("supporter", range(3)), ("family", range(3, 6))):
        assessment = await create_approved_assessment(scenario, case, subject=subject)
        await create_approved_care_plan(scenario, case, assessment)
        await insert_records(superuser_connection, case, plan["id"], numbers)
        for part, count in STATEMENTS.items():
            with record_statements(scenario) as statements:
                await get_file(scenario.worker_north, case["id"], part)
            assert len(statements) == 1 + count, (part, statements)
        with record_statements(scenario) as statements:
            await get_file(scenario.worker_north, case["id"])
        assert len(statements) == 1 + sum(STATEMENTS.values())
    with record_statements(scenario) as statements:
        await get_file(scenario.worker_north, empty_case["id"])
    assert len(statements) <= sum(STATEMENTS.values()), statements
