"""Reports as pictures and PDF files."""

import re

import pytest

from app.access.roles import Role
from app.kit.dates import today
from app.rendering.strips import Bar, BoxMark, TextMark, build_bar_chart
from app.server.jobs import JobRunner
from app.services.reports.catalogue import REPORTS
from app.services.reports.report_run_job import REPORT_RUN
from tests.support.printed_pages import (
    count_glyphs_of_image,
    extract_page_text,
    extract_text,
    list_drawn_glyphs,
    parse_pdf,
)
from tests.support.responses import expect_json, parse_svg_texts
from tests.support.scenario import Scenario, id_of


def report_path(name: str, **parameters: str) -> str:
    period = f"from={today().replace(day=1)}&to={today()}"
    return f"/v1/reports/{name}?{period}" + "".join(f"&{key}={value}" for key, value in parameters.items())


async def test_picture_has_title_definition_and_a_bar_per_group_in_khmer(scenario: Scenario) -> None:
    await scenario.open_case()
    path = report_path("new_cases", by="sex", format="svg", compare="previous")
    response = await scenario.manager.get(path, headers={"accept-language": "km"})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml")
    assert (response.headers["content-language"], response.headers["missing-characters"]) == ("km", "0")
    assert f"new_cases-{today().replace(day=1)}-{today()}.svg" in response.headers["content-disposition"]
    texts = parse_svg_texts(response.text)
    joined = "".join(texts)
    report = REPORTS["new_cases"]
    assert texts[0] == report.get_title("km")
    assert report.definition.km.replace(" ", "") in joined.replace(" ", "")
    assert (texts.count("១"), texts.count("០")) == (1, 1), "one case in the period, none in the period before"
    assert texts[-3] == "ប្រុស"
    assert len(re.findall('fill="#c7c7c7"', response.text)) == 1, "the legend; a value of zero has no bar"
    assert len(re.findall('fill="#4c4c4c"', response.text)) == 2, "the legend and one bar"


async def test_cohort_has_a_table_instead_of_bars(scenario: Scenario) -> None:
    response = await scenario.manager.get(report_path("care_plan_time", format="svg"))
    assert response.headers["content-language"] == "en"
    texts = parse_svg_texts(response.text)
    assert REPORTS["care_plan_time"].measures[0].title.en in " ".join(texts)
    assert 'fill="#4c4c4c"' not in response.text


@pytest.mark.parametrize("language", ["en", "km"])
async def test_pdf_has_every_figure_of_a_report_with_two_dimensions(
    scenario: Scenario, language: str
) -> None:
    await scenario.open_case()
    path = report_path("open_cases", by="sex,team", format="pdf", language=language)
    response = await scenario.manager.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/pdf")
    assert response.headers["missing-characters"] == "0"
    text = extract_text(parse_pdf(response.content)).replace(" ", "").replace("\u200b", "")
    report = REPORTS["open_cases"]
    for title in (
        report.get_title(language),
        *(measure.title.in_language(language) for measure in report.measures),
    ):
        assert title.replace(" ", "") in text, title
    assert ("1" if language == "en" else "១") in text


async def test_run_of_all_reports_draws_a_glyph_for_every_character_in_khmer(scenario: Scenario) -> None:
    """Each line can be extracted, and no glyph is that of a missing character."""
    reports = [{"name": name} for name, report in REPORTS.items() if Role.me_officer in report.readers]
    year = today().year
    days = {"first_day": f"{year}-01-01", "last_day": f"{year}-12-31"}
    payload = {"reports": reports, "language": "km", **days}
    run = expect_json(await scenario.me_officer.post("/v1/report-runs", payload), 202)
    assert await JobRunner(scenario.database, [REPORT_RUN]).run_next_job()
    response = await scenario.me_officer.get(f"/v1/report-runs/{run['id']}/content")
    assert (response.status_code, response.headers["missing-characters"]) == (200, "0")
    pages = parse_pdf(response.content).pages
    text = "".join(map(extract_page_text, pages)).replace(" ", "").replace("\u200b", "")
    for item in reports:
        report = REPORTS[item["name"]]
        assert report.definition.km.replace(" ", "").replace("\u200b", "") in text, report.name
    assert ".notdef" not in {glyph.glyph_name for page in pages for glyph in list_drawn_glyphs(page)}
    visible, absent = count_glyphs_of_image(response.content)
    assert visible > len(text) / 2
    assert absent == 0


async def test_characters_without_a_glyph_are_counted(
    scenario: Scenario, superuser_connection: object
) -> None:
    await scenario.open_case()
    statement = "UPDATE teams SET name = $1 WHERE id = $2"
    await superuser_connection.execute(statement, "김철수", id_of("north"))  # type: ignore[attr-defined]
    for file_format, count in (("svg", 3), ("pdf", 6)):
        response = await scenario.manager.get(report_path("open_cases", by="team", format=file_format))
        assert int(response.headers["missing-characters"]) == count, file_format


async def test_long_table_repeats_its_headings_on_each_page(scenario: Scenario) -> None:
    for name in ("service_referrals", "outreach_participants"):
        response = await scenario.manager.get(report_path(name, format="pdf"))
        pages = parse_pdf(response.content).pages
        assert all("Figure" in extract_page_text(page) for page in pages), (name, len(pages))
    assert len(pages) > 1


def test_bars_are_proportional_to_their_values() -> None:
    bars = [
        Bar("a", ((50.0, "50"),)),
        Bar("b", ((200.0, "200"),)),
        Bar("c", ((None, "–"),)),
        Bar("d", ((-4.0, "-4"),)),
    ]
    strips = [strip for strip in build_bar_chart("Title", ["now"], bars) if len(strip.marks) > 1]
    widths = [
        sum(mark.width for mark in strip.marks if isinstance(mark, BoxMark) and mark.width > 1)
        for strip in strips
    ]
    assert widths[0] * 4 == pytest.approx(widths[1])
    assert widths[2:] == [0, 0]
    values = [[mark.text for mark in strip.marks if isinstance(mark, TextMark)][-1] for strip in strips]
    assert values == ["50", "200", "–", "-4"]
