"""Number of SQL statements per request: bounded, and independent of the number of rows."""

import pytest

from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements


async def test_lists_use_the_same_number_of_statements_for_any_number_of_rows(scenario: Scenario) -> None:
    # Planted: co-workers selected per case in the list of cases; questions selected per referral in the queue.
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
