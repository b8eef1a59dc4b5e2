"""All extensions of a case together are limited."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.kit.dates import add_months, today
from tests.support.scenario import Scenario

ONE_DAY = timedelta(days=1)


async def extend(scenario: Scenario, case: dict[str, Any], until: date) -> tuple[str | None, str | None]:
    """Extend a case. Return the code and the latest date of a refusal, or None and None."""
    payload = {"until": until.isoformat(), "reason": "The appeal is heard in spring."}
    response = await scenario.manager.act(f"/v1/cases/{case['id']}", "extend", payload)
    if response.status_code == 200:
        return None, None
    (fault,) = response.json()["unmet"]
    return fault["code"], fault["params"].get("latest")


async def test_several_extensions_cannot_exceed_twelve_months_in_total(scenario: Scenario) -> None:
    case = await scenario.open_case()
    latest = add_months(today(), 36)
    assert await extend(scenario, case, add_months(today(), 30)) == (None, None)
    assert await extend(scenario, case, latest + ONE_DAY) == ("until_too_late", str(latest))
    assert await extend(scenario, case, latest) == (None, None)
    assert await extend(scenario, case, latest + ONE_DAY) == ("until_too_late", str(latest))


async def test_first_extension_after_the_end_counts_from_today(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    opened_on = add_months(today(), -40)
    await superuser_connection.execute(
        "UPDATE cases SET opened_on = $1 WHERE id = $2", opened_on, UUID(case["id"])
    )
    latest = add_months(today(), 12)
    assert await extend(scenario, case, latest + ONE_DAY) == ("until_too_late", str(latest))
    assert await extend(scenario, case, today() + ONE_DAY) == (None, None)
    assert await extend(scenario, case, latest) == ("until_too_late", str(add_months(opened_on, 36)))


@pytest.mark.parametrize(
    ("opened_on", "end"), [(date(2024, 2, 29), date(2026, 2, 28)), (date(2024, 3, 1), date(2026, 3, 1))]
)
async def test_support_that_began_on_a_leap_day_ends_on_the_same_day_in_python_and_sql(
    superuser_connection: Any, opened_on: date, end: date
) -> None:
    computed = await superuser_connection.fetchval(
        "SELECT ($1::date + interval '24 months')::date", opened_on
    )
    assert (add_months(opened_on, 24), computed) == (end, end)
