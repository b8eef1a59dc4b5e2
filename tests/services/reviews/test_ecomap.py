"""The ecomap: its content, its visibility and its layout."""

import itertools
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.rendering import ecomap_svg
from app.rendering.ecomap_geometry import BOX_WIDTH, Figure, Ring
from app.rendering.ecomap_svg import MAX_FIGURES_PER_RING
from tests.support.payloads import BILINGUAL_NAMES
from tests.support.responses import SVG_NAMESPACE, expect_json, parse_svg_texts
from tests.support.scenario import Scenario, referral_payload
from tests.support.service_referrals import build_service_referral_payload, create_consent, create_provider
from tests.support.sql_statements import record_statements

SCHOOL = {"status": "attending", "grade": "4", "name": "Phum Thmey School"}
AUNT = {"role": "other", "relationship": "aunt", "names": [{"script": "latin", "given": "Srey <Leak> & Co"}]}
GRANDMOTHER = {
    "role": "family", "relationship": "grandmother", "is_responsible": True,
    "names": [{"script": "khmer", "family": "កែវ", "given": "ចាន់ធី"}],
}  # fmt: skip


def draw_ecomap(*arguments: Any) -> str:
    return ecomap_svg.draw_ecomap(*arguments).content.decode()


def parse_frames(svg: str) -> list[tuple[float, float, float, float]]:
    """Return left, top, right and bottom of the frame of each figure."""
    frames = []
    for frame in ET.fromstring(svg).findall(  # noqa: S314 - the application rendered it
        f"./{SVG_NAMESPACE}g/{SVG_NAMESPACE}g/{SVG_NAMESPACE}rect[@width='160']"
    ):
        x, y, width, height = (float(frame.attrib[name]) for name in ("x", "y", "width", "height"))
        frames.append((x, y, x + width, y + height))
    return frames


async def create_case_with_network(scenario: Scenario) -> str:
    """Create a case with family, school, another person and service referrals, and return its path."""
    case = await scenario.open_case(
        child={**referral_payload()["child"], "names": BILINGUAL_NAMES, "school": SCHOOL}
    )
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    for person in (AUNT, GRANDMOTHER):
        expect_json(await worker.post(f"{path}/people", person), 201)
    consent_id = await create_consent(scenario, path)
    for name, service, acts in (
        ("Children's Hospital", "medical", ("send", "accept")),
        ("Legal Aid Office", "legal", ("send",)),
        ("Only drafted", "shelter", ()),
    ):
        provider_id = await create_provider(scenario, name=name)
        payload = await build_service_referral_payload(
            scenario, path, service=service, provider_id=provider_id, consent_id=consent_id
        )
        service_referral = expect_json(await worker.post(f"{path}/service-referrals", payload), 201)
        for act in acts:
            act_payload = {"note": "Monday."} if act == "accept" else None
            expect_json(await worker.act(f"/v1/service-referrals/{service_referral['id']}", act, act_payload))
    return path


async def test_ecomap_contains_child_family_community_and_services(scenario: Scenario) -> None:
    path = await create_case_with_network(scenario)
    response = await scenario.worker_north.get(f"{path}/ecomap.svg")
    assert response.status_code == 200
    texts = parse_svg_texts(response.text)
    assert {"Keo Intrea", "កែវ ឥន្ទ្រា", "Keo Bopha", "Mother", "កែវ ចាន់ធី", "Grandmother"} <= set(texts)
    assert {"Phum Thmey", "Grade 4", "Srey <Leak> & Co", "Aunt", "Helping Hands", "Worker North"} <= set(
        texts
    )
    assert {"Legal Aid Office", "Sent", "Accepted", "Supporter and family", "Community"} <= set(texts)
    assert "Only drafted" not in response.text
    [description] = re.findall("<desc[^>]*>(.*?)</desc>", response.text)
    assert "Supporter and family: Keo Bopha, Mother, Responsible for the child; កែវ ចាន់ធី" in description

    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-disposition"] == "inline"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<script|<style|\sstyle=|href=\"(?!#)|(?<!xmlns=\")https?:|\bon\w+=", response.text)
    assert (await scenario.worker_north.get(f"{path}/ecomap.svg")).text == response.text

    khmer_response = await scenario.worker_north.get(f"{path}/ecomap.svg", headers={"accept-language": "km"})
    assert {"ម្តាយ", "ជីដូន", "សហគមន៍", "ថ្នាក់ទី៤"} <= set(parse_svg_texts(khmer_response.text))
    assert khmer_response.headers["content-language"] == "km"


async def test_ecomap_requires_access_to_the_case_and_is_logged(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/ecomap.svg"
    response = await scenario.supervisor_north.get(path)
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["outcome"]) == (
        "case.picture",
        case["child_id"],
        "allowed",
    )
    for name, status in (("manager", 200), ("worker_south", 404), ("partner_one", 403), ("finance", 403)):
        assert (await scenario.client_for(name).get(path)).status_code == status


async def test_query_count_of_the_ecomap_is_independent_of_the_number_of_people(scenario: Scenario) -> None:
    path, worker = await create_case_with_network(scenario), scenario.worker_north
    counts = []
    for _ in range(2):
        with record_statements(scenario) as statements:
            assert (await worker.get(f"{path}/ecomap.svg")).status_code == 200
        counts.append(len(statements))
        for number in range(3):
            person = {**AUNT, "names": [{"script": "latin", "given": f"Neighbour {number}"}]}
            expect_json(await worker.post(f"{path}/people", person), 201)
    assert counts == [3, 3]  # the case, the people and the service referrals


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 13, 20])
@pytest.mark.parametrize("crowded_ring", [0, 1, 2])
def test_ecomap_figures_do_not_overlap(count: int, crowded_ring: int) -> None:
    many_figures = [
        Figure(f"Venerable Sokhom Number {number}", ("Monk, nun or other religious leader",))
        for number in range(count)
    ]
    few_figures = (Figure("ម្តាយ", ("ទទួលខុសត្រូវ",), "supporter"), Figure("A"))
    rings = [
        Ring(name, tuple(many_figures) if position == crowded_ring else few_figures)
        for position, name in enumerate("abc")
    ]
    svg = draw_ecomap(["Keo Intrea", "10"], rings, "Title", "Foot", {"person": "A person"}, "en")
    frames = parse_frames(svg)
    assert len(frames) == count + 4
    for (a_left, a_top, a_right, a_bottom), (b_left, b_top, b_right, b_bottom) in itertools.combinations(
        frames, 2
    ):
        assert a_right < b_left or b_right < a_left or a_bottom < b_top or b_bottom < a_top
    root = ET.fromstring(svg)  # noqa: S314 - the application rendered it
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    [(x_offset, y_offset)] = re.findall(r'"translate\(([\d.]+) ([\d.]+)\)"', svg)
    assert all(left + float(x_offset) > 0 and right + float(x_offset) < width for left, _, right, _ in frames)
    assert all(
        top + float(y_offset) > 40 and bottom + float(y_offset) < height for _, top, _, bottom in frames
    )


def test_ecomap_shows_the_number_of_omitted_figures() -> None:
    ring = Ring("Community", tuple(Figure(f"Neighbour {number}") for number in range(100)))
    svg = draw_ecomap(["Child"], [Ring("a", ()), ring, Ring("c", ())], "Title", "Foot", {}, "en")
    assert len(parse_frames(svg)) == MAX_FIGURES_PER_RING
    assert "+ 71" in parse_svg_texts(svg)


def test_figure_texts_fit_into_their_frames() -> None:
    texts = (
        "មន្ទីរពេទ្យកុមារអង្គរ", "ប្រធានមជ្ឈមណ្ឌលបណ្តុះបណ្តាលវិជ្ជាជីវៈ", "Transcultural Psychosocial Organization",
        "Nguyễn Thị Hồng Đặng", "WWWWWWWWWWWWWWWWWWWWWWWW", "สมชาย ใจดี", "王小明", "\U0001f600 ကို \u0001",
    )  # fmt: skip
    ring = Ring("Family", tuple(Figure(text, (text,)) for text in texts))
    svg = draw_ecomap(["Child"], [ring, Ring("b", ()), Ring("c", ())], "Title", "Foot", {}, "en")
    widths = [float(width) for width in re.findall(r'textLength="([\d.]+)"[^>]* text-anchor="middle"', svg)]
    assert len(widths) > 2 * len(texts)
    assert max(widths) < BOX_WIDTH - 19


def test_svg_contains_only_characters_that_xml_allows() -> None:
    svg = draw_ecomap(
        ["\x00A\x0b<b>\"'&\ufffe"], [Ring(name, ()) for name in "abc"], "T\x1b", "]]>", {}, "en"
    )
    assert "\ufffdA\ufffd<b>\"'&\ufffd" in parse_svg_texts(svg)
