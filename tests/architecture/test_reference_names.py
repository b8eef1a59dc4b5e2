"""Responses with the id of a member of staff or a team contain its name too, so that clients need no second request."""

from collections.abc import Iterator
from typing import Any

from tests.support.case_lifecycle import (
    EXIT_PLAN_PAYLOAD,
    complete_next_review,
    create_approved_exit_plan,
    create_exiting_case,
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
    expect_json(await scenario.worker_north.put(path, EXIT_PLAN_PAYLOAD, etag=f'"{plan["version"]}"'))
    return {**ids, "exiting_case_id": case["id"], "closed_case_id": ids["closed_case"]["id"]}


async def test_ids_of_staff_and_teams_have_names(scenario: Scenario) -> None:
    # Planted: `completed_by` and the names of earlier exit plans always null.
    ids = await create_records(scenario)
    for path in PATHS:
        document = expect_json(await scenario.supervisor_north.get(path.format(**ids)))
        references = list(list_references(document))
        assert references, (path, "contains no id")
        for field, record_id, reference in references:
            assert reference == {"id": record_id, "name": NAMES[record_id]}, (path, field)
