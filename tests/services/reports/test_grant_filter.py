"""Reports limited to a grant."""

from app.kit.dates import today
from tests.support.printed_pages import extract_text, parse_pdf
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario

GRANT_PAYLOAD = {"code": "EF-2026-01", "name": "Recovery 2026", "donor": "Example Foundation"}


def report_path(name: str, grant_code: str = "EF-2026-01", file_format: str = "json") -> str:
    period = f"from={today().replace(day=1)}&to={today()}"
    return f"/v1/reports/{name}?{period}&grant_code={grant_code}&format={file_format}"


async def test_report_of_a_grant_counts_its_cases_and_their_referrals(scenario: Scenario) -> None:
    manager = scenario.manager
    expect_json(await manager.post("/v1/donor-grants", GRANT_PAYLOAD), 201)
    case, _ = await scenario.open_case(), await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    expect_json(await scenario.supervisor_north.patch(path, {"grant_code": "EF-2026-01"}, etag='"1"'))
    for name, figure in (("open_cases", "cases"), ("referrals_received", "referrals")):
        result = expect_json(await manager.get(report_path(name)))
        assert (result["grant_code"], result["current"]["total"][figure]) == ("EF-2026-01", 1), name
    printed = await manager.get(report_path("open_cases", file_format="pdf"))
    assert "Grant: EF-2026-01" in extract_text(parse_pdf(printed.content))


async def test_grant_that_a_report_cannot_have_is_rejected(scenario: Scenario) -> None:
    expect_json(await scenario.manager.post("/v1/donor-grants", GRANT_PAYLOAD), 201)
    unknown = await scenario.manager.get(report_path("open_cases", "EF-2026-02"))
    assert parse_faults(unknown) == {("query:grant_code", "reference_unknown")}
    unfit = await scenario.manager.get(report_path("outreach_meetings"))
    assert parse_faults(unfit) == {("query:grant_code", "field_unfit")}
