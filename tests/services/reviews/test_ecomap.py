"""The ecomap: who stands in it, for whom, and that however many there are, each can be read."""

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import uharfbuzz

from app.rendering import svg as drawings
from app.rendering.ecomap_geometry import Figure, Ring
from app.rendering.ecomap_svg import MAX_FIGURES_PER_RING, draw_ecomap
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


def boxes(svg: str) -> list[tuple[float, float, float, float]]:
    """The frames of the figures: left, top, right, bottom."""
    found = []
    for frame in ET.fromstring(svg).findall(  # noqa: S314 - the application's own drawing
        f"./{SVG_NAMESPACE}g/{SVG_NAMESPACE}g/{SVG_NAMESPACE}rect[@width='160']"
    ):
        x, y, width, height = (float(frame.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


async def full_case(scenario: Scenario) -> str:
    """The path of a case with family, school, a neighbour, and services asked for."""
    case = await scenario.open_case(
        child={**referral_payload()["child"], "names": BILINGUAL_NAMES, "school": SCHOOL}
    )
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    for person in (AUNT, GRANDMOTHER):
        expect_json(await worker.post(f"{path}/people", person), 201)
    agreed = await create_consent(scenario, path)
    for name, service, acts in (
        ("Children's Hospital", "medical", ("send", "accept")),
        ("Legal Aid Office", "legal", ("send",)),
        ("Only drafted", "shelter", ()),
    ):
        chosen = await create_provider(scenario, name=name)
        told = await build_service_referral_payload(
            scenario, path, service=service, provider_id=chosen, consent_id=agreed
        )
        made = expect_json(await worker.post(f"{path}/service-referrals", told), 201)
        for act in acts:
            body = {"note": "Monday."} if act == "accept" else None
            expect_json(await worker.act(f"/v1/service-referrals/{made['id']}", act, body))
    return path


async def test_child_family_community_and_services_stand_in_the_picture(scenario: Scenario) -> None:
    path = await full_case(scenario)
    answer = await scenario.worker_north.get(f"{path}/ecomap.svg")
    assert answer.status_code == 200
    told = parse_svg_texts(answer.text)
    assert {"Keo Intrea", "កែវ ឥន្ទ្រា", "Keo Bopha", "Mother", "កែវ ចាន់ធី", "Grandmother"} <= set(told)
    assert {"Phum Thmey", "Grade 4", "Srey <Leak> &", "Aunt", "Helping Hands", "Worker North"} <= set(told)
    assert {"Legal Aid Office", "Sent", "Accepted", "Supporter and family", "Community"} <= set(told)
    assert "Only drafted" not in answer.text
    [description] = re.findall("<desc[^>]*>(.*?)</desc>", answer.text)
    assert "Supporter and family: Keo Bopha, Mother, Responsible for the child; កែវ ចាន់ធី" in description

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == "inline"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|<style|\sstyle=|href|(?<!xmlns=\")https?:|\bon\w+=", answer.text)
    assert (await scenario.worker_north.get(f"{path}/ecomap.svg")).text == answer.text

    khmer = await scenario.worker_north.get(f"{path}/ecomap.svg", headers={"accept-language": "km"})
    assert {"ម្តាយ", "ជីដូន", "សហគមន៍", "ថ្នាក់ទី៤"} <= set(parse_svg_texts(khmer.text))
    assert khmer.headers["content-language"] == "km"


async def test_the_picture_is_for_who_sees_the_case_and_leaves_its_trace(scenario: Scenario) -> None:
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}/ecomap.svg"
    seen = await scenario.supervisor_north.get(path)
    [entry] = await scenario.list_access_entries(seen.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["outcome"]) == (
        "case.picture",
        case["child_id"],
        "allowed",
    )
    for name, status in (("manager", 200), ("worker_south", 404), ("partner_one", 403), ("finance", 403)):
        assert (await scenario.client_for(name).get(path)).status_code == status


async def test_many_take_no_more_statements_than_few(scenario: Scenario) -> None:
    path, worker = await full_case(scenario), scenario.worker_north
    counts = []
    for _ in range(2):
        with record_statements(scenario) as statements:
            assert (await worker.get(f"{path}/ecomap.svg")).status_code == 200
        counts.append(len(statements))
        for number in range(3):
            person = {**AUNT, "names": [{"script": "latin", "given": f"Neighbour {number}"}]}
            expect_json(await worker.post(f"{path}/people", person), 201)
    assert counts[0] == counts[1] <= 7


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 13, 20])
@pytest.mark.parametrize("busy", [0, 1, 2])
def test_nobody_hides_anybody(count: int, busy: int) -> None:
    several = [
        Figure(f"Venerable Sokhom Number {n}", ("Monk, nun or other religious leader",)) for n in range(count)
    ]
    few = (Figure("ម្តាយ", ("ទទួលខុសត្រូវ",), "supporter"), Figure("A"))
    rings = [Ring(name, tuple(several) if place == busy else few) for place, name in enumerate("abc")]
    svg = draw_ecomap(["Keo Intrea", "10"], rings, "Title", "Foot", {"person": "A person"}, "en")
    found = boxes(svg)
    assert len(found) == count + 4
    for (a_left, a_top, a_right, a_bottom), (b_left, b_top, b_right, b_bottom) in itertools.combinations(
        found, 2
    ):
        assert a_right < b_left or b_right < a_left or a_bottom < b_top or b_bottom < a_top
    root = ET.fromstring(svg)  # noqa: S314 - our own
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    [(across, down)] = re.findall(r"translate\(([\d.]+) ([\d.]+)\)", svg)
    assert all(left + float(across) > 0 and right + float(across) < width for left, _, right, _ in found)
    assert all(top + float(down) > 40 and bottom + float(down) < height for _, top, _, bottom in found)


def test_a_crowd_is_counted_where_it_cannot_be_shown() -> None:
    crowd = Ring("Community", tuple(Figure(f"Neighbour {n}") for n in range(100)))
    svg = draw_ecomap(["Child"], [Ring("a", ()), crowd, Ring("c", ())], "Title", "Foot", {}, "en")
    assert len(boxes(svg)) == MAX_FIGURES_PER_RING
    assert "+ 71" in parse_svg_texts(svg)


def test_words_are_never_wider_than_the_room_that_is_kept_for_them() -> None:
    path = Path(drawings.__file__).with_name("fonts") / "NotoSansKhmer-Bold.ttf"
    font = uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(path)))
    for text in (
        "មន្ទីរពេទ្យកុមារអង្គរ", "ស្ត្រីនិងក្រុមគ្រួសារជួយខ្ញុំ", "ប្រធានមជ្ឈមណ្ឌលបណ្តុះបណ្តាលវិជ្ជាជីវៈ", "ឈ្មោះកុមារណាម្នាក់",
        "Transcultural Psychosocial Organization", "Nguyen Thi WAMMO", "Keo Sophornvicheth 0123456789",
    ):  # fmt: skip
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(font, buffer)
        real = sum(position.x_advance for position in buffer.glyph_positions) / 1000
        assert real <= drawings.estimate_text_width(text, 1.0) <= 1.5 * real


def test_a_drawing_holds_only_what_xml_allows() -> None:
    svg = draw_ecomap(["\x00A\x0b<b>\"'&\ufffe"], [Ring(n, ()) for n in "abc"], "T\x1b", "]]>", {}, "en")
    assert "A<b>\"'&" in parse_svg_texts(svg)
