"""How many statements a request takes: known, and the same for one row and for many."""

import pytest

from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements


async def test_reading_and_listing_take_as_many_statements_for_many_rows_as_for_few(
    scenario: Scenario,
) -> None:
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
        found = {}
        for path, caller in lists.items():
            with record_statements(scenario) as statements:
                answer = await caller.get(path)
            assert answer.status_code == 200, answer.text
            found[path] = len(statements)
        counts.append(found)
    assert counts[0] == counts[1]
    assert max(counts[0].values()) <= 6, counts[0]

    with record_statements(scenario) as statements:
        await scenario.worker_north.get(f"/v1/cases/{case['id']}")
    # the actor's event, the case with its child and workers
    assert len(statements) == 2, statements


@pytest.mark.parametrize("path", ["people", "consents", "timeline"])
async def test_what_belongs_to_a_case_is_listed_in_a_fixed_number_of_statements(
    scenario: Scenario, path: str
) -> None:
    case = await scenario.open_case()
    with record_statements(scenario) as statements:
        answer = await scenario.worker_north.get(f"/v1/cases/{case['id']}/{path}")
    assert answer.status_code == 200
    assert len(statements) <= 5, statements
