"""The progress chart: its ratings, its layout with none, one and many dates, and its visibility."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from app.rendering.shaping import measure_text
from app.schemas.codes import get_codes
from app.services.reviews import progress_chart
from app.services.reviews.progress_chart import DayRatings
from tests.support.case_lifecycle import complete_next_review, create_active_case, create_approved_assessment
from tests.support.responses import SVG_NAMESPACE, expect_json, parse_svg_texts
from tests.support.scenario import Scenario

AREAS = get_codes("area")


def build_day_ratings(count: int, days_apart: int = 61) -> list[DayRatings]:
    start = date(2025, 1, 31)
    return [
        DayRatings(
            start + timedelta(days=index * days_apart),
            "review" if index else "assessment",
            {area: 1 + (index + offset) % 4 for offset, area in enumerate(AREAS)},
        )
        for index in range(count)
    ]


def draw_progress_chart(days: list[DayRatings], subtitle: str, language: str) -> str:
    return progress_chart.draw_progress_chart(days, subtitle, language).content.decode()


def parse_polylines(svg: str) -> list[list[tuple[float, float]]]:
    """Return the points of the line of each area."""
    polylines = ET.fromstring(svg).iter(f"{SVG_NAMESPACE}polyline")  # noqa: S314 - the application rendered it
    return [
        [_parse_point(*point.split(",")) for point in polyline.attrib["points"].split()]
        for polyline in polylines
    ]


def _parse_point(x: str, y: str) -> tuple[float, float]:
    return float(x), float(y)


@pytest.mark.parametrize("days_apart", [1, 61, 92])
def test_chart_dates_are_ordered_by_time_with_a_minimum_distance(days_apart: int) -> None:
    svg = draw_progress_chart(build_day_ratings(12, days_apart), "FSC-2026-0001", "en")
    assert len(parse_polylines(svg)) == len(AREAS)
    for points in parse_polylines(svg):
        assert len(points) == 12
        distances = [after - before for (before, _), (after, _) in pairwise(points)]
        assert min(distances) >= measure_text("31 May", 11)
    assert parse_svg_texts(svg).count("31 Jan") == 1
    _, _, width, _ = map(float, ET.fromstring(svg).attrib["viewBox"].split())  # noqa: S314 - the application rendered it
    assert max(x for points in parse_polylines(svg) for x, _ in points) < width - 60


def test_chart_positions_are_proportional_to_time() -> None:
    ratings = [DayRatings(date(2026, 1, 1), "assessment", {"legal": 1}), DayRatings(date(2026, 4, 11), "review", {"legal": 2}),
             DayRatings(date(2026, 10, 28), "review", {"legal": 4})]  # fmt: skip
    [[(start, low), (middle, _), (end, high)]] = parse_polylines(draw_progress_chart(ratings, "", "en"))
    assert (middle - start) / (end - start) == pytest.approx(1 / 3, abs=0.001)
    assert high < low


def test_chart_has_no_line_for_one_day_and_a_notice_for_no_days() -> None:
    chart_with_one_day = draw_progress_chart(build_day_ratings(1), "", "en")
    assert parse_polylines(chart_with_one_day) == []
    assert parse_svg_texts(chart_with_one_day).count("not rated") == 0
    empty_chart = draw_progress_chart([], "", "en")
    assert "There is no approved assessment and no completed review yet." in parse_svg_texts(empty_chart)
    assert parse_svg_texts(empty_chart).count("not rated") == len(AREAS)


async def test_chart_contains_approved_assessments_and_completed_reviews(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    path = f"/v1/cases/{case['id']}/progress.svg"
    await complete_next_review(scenario, case["id"], rating=4)
    expect_json(
        await scenario.worker_north.post(
            f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "reassessment"}
        ),
        201,
    )
    await create_approved_assessment(scenario, case, subject="supporter")
    response = await scenario.worker_north.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    assert "Emotional health: " in response.text
    assert parse_svg_texts(response.text).count("2 → 4") == 1
    assert parse_svg_texts(response.text).count("3") == len(AREAS) - 1
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("case.picture", case["child_id"])

    khmer_response = await scenario.worker_north.get(path, headers={"accept-language": "km, en;q=0.5"})
    assert "២ → ៤" in parse_svg_texts(khmer_response.text)
    assert re.search('lang="km"', khmer_response.text)
    for name, status in (("manager", 200), ("worker_south", 404), ("partner_one", 403), ("me_officer", 403)):
        assert (await scenario.client_for(name).get(path)).status_code == status


async def test_chart_of_a_case_without_assessment_is_empty(scenario: Scenario) -> None:
    case = await scenario.open_case()
    response = await scenario.worker_north.get(
        f"/v1/cases/{case['id']}/progress.svg", headers={"accept-language": "km"}
    )
    assert parse_svg_texts(response.text).count("មិនបានវាយតម្លៃ") == len(AREAS)
