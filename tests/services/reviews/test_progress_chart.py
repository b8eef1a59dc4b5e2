"""The drawing of progress: which ratings it shows, and that it can be read with none, one and many."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from app.rendering.svg import estimate_text_width
from app.schemas.codes import get_codes
from app.services.reviews.progress_chart import DayRatings, draw_progress_chart
from tests.support.case_lifecycle import complete_next_review, create_active_case, create_approved_assessment
from tests.support.responses import SVG_NAMESPACE, expect_json, parse_svg_texts
from tests.support.scenario import Scenario

AREAS = get_codes("area")


def looks(count: int, apart: int = 61) -> list[DayRatings]:
    start = date(2025, 1, 31)
    return [
        DayRatings(
            start + timedelta(days=place * apart),
            "review" if place else "assessment",
            {area: 1 + (place + at) % 4 for at, area in enumerate(AREAS)},
        )
        for place in range(count)
    ]


def lines(svg: str) -> list[list[tuple[float, float]]]:
    """The points of each area's line."""
    found = ET.fromstring(svg).iter(f"{SVG_NAMESPACE}polyline")  # noqa: S314 - our own
    return [[_point(*point.split(",")) for point in line.attrib["points"].split()] for line in found]


def _point(x: str, y: str) -> tuple[float, float]:
    return float(x), float(y)


@pytest.mark.parametrize("apart", [1, 61, 92])
def test_twelve_looks_stand_apart_in_the_order_of_time(apart: int) -> None:
    svg = draw_progress_chart(looks(12, apart), "FSC-2026-0001", "en")
    assert len(lines(svg)) == len(AREAS)
    for points in lines(svg):
        assert len(points) == 12
        gaps = [after - before for (before, _), (after, _) in pairwise(points)]
        assert min(gaps) >= estimate_text_width("31 May", 11)
    assert parse_svg_texts(svg).count("31 Jan") == 1
    _, _, wide, _ = map(float, ET.fromstring(svg).attrib["viewBox"].split())  # noqa: S314 - our own
    assert max(x for points in lines(svg) for x, _ in points) < wide - 60


def test_the_distance_between_two_looks_is_the_time_between_them() -> None:
    found = [DayRatings(date(2026, 1, 1), "assessment", {"legal": 1}), DayRatings(date(2026, 4, 11), "review", {"legal": 2}),
             DayRatings(date(2026, 10, 28), "review", {"legal": 4})]  # fmt: skip
    [[(start, low), (middle, _), (end, high)]] = lines(draw_progress_chart(found, "", "en"))
    assert (middle - start) / (end - start) == pytest.approx(1 / 3, abs=0.001)
    assert high < low


def test_one_look_has_no_line_and_none_says_so() -> None:
    once = draw_progress_chart(looks(1), "", "en")
    assert lines(once) == []
    assert parse_svg_texts(once).count("not rated") == 0
    none = draw_progress_chart([], "", "en")
    assert "There is no approved assessment and no completed review yet." in parse_svg_texts(none)
    assert parse_svg_texts(none).count("not rated") == len(AREAS)


async def test_approved_assessments_and_completed_reviews_are_drawn(scenario: Scenario) -> None:
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
    answer = await scenario.worker_north.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "Emotional health: " in answer.text
    assert parse_svg_texts(answer.text).count("2 → 4") == 1
    assert parse_svg_texts(answer.text).count("3") == len(AREAS) - 1
    [entry] = await scenario.list_access_entries(answer.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("case.picture", case["child_id"])

    khmer = await scenario.worker_north.get(path, headers={"accept-language": "km, en;q=0.5"})
    assert "២ → ៤" in parse_svg_texts(khmer.text)
    assert re.search('lang="km"', khmer.text)
    for name, status in (("manager", 200), ("worker_south", 404), ("partner_one", 403), ("me_officer", 403)):
        assert (await scenario.client_for(name).get(path)).status_code == status


async def test_a_case_that_was_never_assessed_has_an_empty_picture(scenario: Scenario) -> None:
    case = await scenario.open_case()
    answer = await scenario.worker_north.get(
        f"/v1/cases/{case['id']}/progress.svg", headers={"accept-language": "km"}
    )
    assert parse_svg_texts(answer.text).count("មិនបានវាយតម្លៃ") == len(AREAS)
