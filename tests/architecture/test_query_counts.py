"""Number of SQL statements per request: bounded, and independent of the number of rows."""

import pytest

from tests.support.endpoint_samples import create_complete_case
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements


async def test_lists_use_the_same_number_of_statements_for_any_number_of_rows(scenario: Scenario) -> None:
    # Catches: co-workers selected per case in the list of cases; questions selected per referral in the queue.
    lists = {
        "/v1/cases": scenario.supervisor_north,
        "/v1/children": scenario.supervisor_north,
        "/v1/children?q=Keo": scenario.supervisor_north,
        "/v1/referrals": scenario.partner_one,
        "/v1/audit/accesses?limit=200": scenario.dpo,
        "/v1/consents": scenario.dpo,
    }
    counts: list[dict[str, int]] = []
    for _ in range(2):
        for _ in range(3):
            case = await scenario.open_case()
        statement_counts = {}
        for path, caller in lists.items():
            with record_statements(scenario) as statements:
                response = await caller.get(path)
            assert response.status_code == 200, response.text
            statement_counts[path] = len(statements)
        counts.append(statement_counts)
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 6, counts[0]

    with record_statements(scenario) as statements:
        await scenario.worker_north.get(f"/v1/cases/{case['id']}")
    # the case with its child, its workers and the names
    assert len(statements) == 1, statements


@pytest.mark.parametrize("path", ["people", "consents", "timeline"])
async def test_lists_of_a_case_use_a_bounded_number_of_statements(scenario: Scenario, path: str) -> None:
    case = await scenario.open_case()
    with record_statements(scenario) as statements:
        response = await scenario.worker_north.get(f"/v1/cases/{case['id']}/{path}")
    assert response.status_code == 200
    assert len(statements) <= 5, statements


READS = {
    "/v1/cases/{case_id}/assessments": 1, "/v1/assessments/{assessment_id}": 1,
    "/v1/assessments/{assessment_id}/changes": 1, "/v1/cases/{case_id}/care-plans": 1,
    "/v1/care-plans/{plan_id}": 4, "/v1/care-plans/{plan_id}/changes": 4, "/v1/care-plans/{plan_id}/print.pdf": 5,
    "/v1/goals/{goal_id}": 2, "/v1/actions/{action_id}": 1, "/v1/cases/{case_id}/reviews": 1,
    "/v1/reviews/{review_id}": 8, "/v1/cases/{case_id}/outcomes": 3, "/v1/cases/{case_id}/progress.svg": 3,
    "/v1/cases/{case_id}/ecomap.svg": 3, "/v1/cases/{case_id}/exit-plan": 1, "/v1/follow-ups/{follow_up_id}": 1,
}  # fmt: skip
"""Number of statements of each endpoint. A care plan has areas, goals and actions, a review the activity of its period."""


async def test_reads_of_one_case_use_a_fixed_number_of_statements(scenario: Scenario) -> None:
    ids = await create_complete_case(scenario)
    counts = {}
    for path in READS:
        with record_statements(scenario) as statements:
            response = await scenario.worker_north.get(path.format(**ids))
        assert response.status_code == 200, response.text
        counts[path] = len(statements)
    assert counts == READS
