"""Responses with the id of a person, team, agency or place contain its name too, so that clients need no second request."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.architecture.source_files import ROOT
from tests.support.case_lifecycle import (
    complete_next_review,
    create_approved_assessment,
    create_approved_care_plan,
    create_approved_exit_plan,
    create_assessed_case,
    create_exiting_case,
    exit_plan_payload,
)
from tests.support.endpoint_samples import create_complete_case
from tests.support.responses import expect_json
from tests.support.scenario import STAFF, Scenario, id_of

NAMES = {
    **{str(id_of(name)): name.replace("_", " ").title() for name in STAFF},
    **{str(id_of(team)): team for team in ("north", "south")},
}
PATHS = (
    "/v1/cases/{case_id}/assessments", "/v1/assessments/{assessment_id}", "/v1/cases/{case_id}/care-plans",
    "/v1/care-plans/{plan_id}", "/v1/cases/{case_id}/reviews", "/v1/reviews", "/v1/reviews?status=completed",
    "/v1/reviews/{completed_review_id}", "/v1/cases/{exiting_case_id}/exit-plan",
    "/v1/cases/{closed_case_id}/follow-ups", "/v1/follow-ups/{follow_up_id}", "/v1/cases", "/v1/cases/{case_id}",
)  # fmt: skip

OTHER_RECORDS = {
    "account", "acknowledgement_document", "activity", "assessment", "case", "child", "consent", "disbursement", "event", "fund",
    "goal", "goals", "goal_origin", "instrument", "linked_case", "linked_child", "meeting", "merged_into", "origin", "plan", "previous", "previous_case",
    "receipt_document", "record", "referral", "referral_to_confirm", "review", "series", "service_referral", "session", "sibling_case",
    "sibling_child", "transaction", "transfer",
}  # fmt: skip
"""Names, without the suffix `_id`, of fields that refer to records other than staff, teams, agencies and places. Items
of a list of several cases also contain `child` and the case number.
"""
WITHOUT_NAME = {
    "ServiceReferral.basis_entry_id": "an entry of the consent register has no name",
    "ServiceReferralSummary.basis_entry_id": "an entry of the consent register has no name",
    "AccessEntry.client_id": "the API client is the actor, with its name",
    "Caregiver.place_code": "the referral has `caregiver_place`",
    "ChildIdentity.place_code": "the referral has `child_place`",
    "Place.parent_code": "the parent is in the path of GET /v1/places/{code}",
    "PlaceDetails.parent_code": "the parent is in `path`",
    "TeamMember.user_id": "the name of the user is `name`",
}
"""Fields of response schemas with an id or a place code without its name, and the reason."""


def list_response_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """Return the component schemas that successful responses contain, by name."""
    schemas: dict[str, Any] = {}
    responses = [
        response
        for item in document["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status.startswith("2")
    ]
    pending = list_schema_names([response.get("content") for response in responses])
    while pending:
        name = pending.pop()
        schemas[name] = document["components"]["schemas"][name]
        pending |= list_schema_names(schemas[name]) - schemas.keys()
    return schemas


def list_schema_names(node: Any) -> set[str]:
    return set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(node)))


def list_names_of(field: str) -> set[str]:
    """Return the fields that can contain the names for an id: `author` for `author_id`, `to_team_name` for `to_team`."""
    stem = re.sub(r"_(id|code)(s?)$", r"\2", field)
    return {stem, f"{stem}s", f"{stem}_name"} - {field}


def is_reference(field: str, schema: dict[str, Any]) -> bool:
    """Return whether a field contains place codes, or ids of other objects."""
    is_place = re.search(r"(place|province|parent)_codes?$", field) is not None
    return is_place or (field != "id" and '"uuid"' in json.dumps(schema))


def test_response_schemas_have_a_name_for_each_id_and_place_code() -> None:
    # Catches: `handed_to` removed from ReferralSummary; `place` from Person; `from_team_name` from TimelineDetail.
    schemas = list_response_schemas(json.loads((ROOT / "openapi" / "openapi.json").read_text()))
    assert len(schemas) > 150
    without_name = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, inner in schema.get("properties", {}).items()
        if is_reference(field, inner)
        and re.sub(r"_ids?$", "", field) not in OTHER_RECORDS
        and not list_names_of(field) & schema["properties"].keys()
    }
    assert without_name == WITHOUT_NAME.keys()


def list_references(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield each id of a member of staff or a team: the field, the id, and the value of the field with the name."""
    if isinstance(document, list):
        for item in document:
            yield from list_references(item)
    elif isinstance(document, dict):
        for field, value in document.items():
            if field.endswith("_id") and value in NAMES:
                yield field, value, document.get(field.removesuffix("_id"))
            yield from list_references(value)


async def create_records(scenario: Scenario) -> dict[str, Any]:
    """Create a case with a record of each kind, and return the ids by the names of path parameters."""
    ids = await create_complete_case(scenario)
    ids["completed_review_id"] = (await complete_next_review(scenario, ids["case_id"]))["id"]
    held = {"held_on": ids["closed_case"]["closed_on"], "wellbeing": "well"}
    path = f"/v1/follow-ups/{ids['follow_up_id']}"
    expect_json(await scenario.worker_north.patch(path, held, etag='"1"'))
    case, _ = await create_exiting_case(scenario)
    plan = await create_approved_exit_plan(scenario, case["id"])
    path = f"/v1/cases/{case['id']}/exit-plan"
    expect_json(await scenario.worker_north.put(path, exit_plan_payload(), etag=f'"{plan["version"]}"'))
    return {**ids, "exiting_case_id": case["id"], "closed_case_id": ids["closed_case"]["id"]}


async def test_responses_contain_a_name_for_each_staff_and_team_id(scenario: Scenario) -> None:
    # Catches: `completed_by` and the names of earlier exit plans always null.
    ids = await create_records(scenario)
    for path in PATHS:
        document = expect_json(await scenario.supervisor_north.get(path.format(**ids)))
        references = list(list_references(document))
        assert references, (path, "contains no id")
        for field, record_id, reference in references:
            assert reference == {"id": record_id, "name": NAMES[record_id]}, (path, field)


async def test_assessments_and_care_plans_contain_the_names_of_their_subject(scenario: Scenario) -> None:
    # Catches: `person` always null in the list of care plans.
    case, assessment = await create_assessed_case(scenario, subject="supporter")
    plan = await create_approved_care_plan(scenario, case, assessment)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    supporter = expect_json(await worker.get(f"/v1/people/{assessment['person_id']}"))
    expected = {"id": supporter["id"], "names": supporter["names"]}
    records = [assessment, plan]
    for kind in ("assessments", "care-plans"):
        records += expect_json(await worker.get(f"{path}/{kind}"))["items"]
    assert [record["person"] for record in records] == [expected] * 4
    child_assessment = await create_approved_assessment(scenario, case)
    assert child_assessment["person"] is None
