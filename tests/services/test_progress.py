"""The drawing of progress: which ratings it shows, and that it can be read with none, one and many."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from app.rendering.svg import estimate_text_width
from app.schemas.codes import get_codes
from app.services.reviews.progress_chart import DayRatings, draw_progress_chart
from tests.pathway import active, assess, done, reviewed
from tests.services.test_ecomap import SVG, words
from tests.world import World

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
    found = ET.fromstring(svg).iter(f"{SVG}polyline")  # noqa: S314 - our own
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
    assert words(svg).count("31 Jan") == 1
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
    assert words(once).count("not rated") == 0
    none = draw_progress_chart([], "", "en")
    assert "There is no approved assessment and no completed review yet." in words(none)
    assert words(none).count("not rated") == len(AREAS)


async def test_approved_assessments_and_completed_reviews_are_drawn(world: World) -> None:
    case, _ = await active(world)
    path = f"/v1/cases/{case['id']}/progress.svg"
    await reviewed(world, case["id"], rating=4)
    done(
        await world.worker_north.post(
            f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "reassessment"}
        ),
        201,
    )
    await assess(world, case, subject="supporter")
    answer = await world.worker_north.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "Emotional health: " in answer.text
    assert words(answer.text).count("2 → 4") == 1
    assert words(answer.text).count("3") == len(AREAS) - 1
    [entry] = await world.log(answer.headers["x-request-id"])
    assert (entry["act"], entry["child_id"]) == ("case.picture", case["child_id"])

    khmer = await world.worker_north.get(path, headers={"accept-language": "km, en;q=0.5"})
    assert "២ → ៤" in words(khmer.text)
    assert re.search('lang="km"', khmer.text)
    for name, status in (("manager", 200), ("worker_south", 404), ("partner_one", 403), ("me_officer", 403)):
        assert (await world.as_(name).get(path)).status_code == status


async def test_a_case_that_was_never_assessed_has_an_empty_picture(world: World) -> None:
    case = await world.case()
    answer = await world.worker_north.get(
        f"/v1/cases/{case['id']}/progress.svg", headers={"accept-language": "km"}
    )
    assert words(answer.text).count("មិនបានវាយតម្លៃ") == len(AREAS)
