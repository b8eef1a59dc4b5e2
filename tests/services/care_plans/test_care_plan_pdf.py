"""The printable care plan: its content, its confidential parts and its layout."""

import re
from typing import Any

from app.kit.dates import today
from app.kit.formatting import format_date
from tests.support.case_lifecycle import (
    CARE_PLAN_PAYLOADS,
    create_active_case,
    create_approved_assessment,
    fill_care_plan,
)
from tests.support.payloads import BILINGUAL_NAMES
from tests.support.printed_pages import extract_text, parse_pdf
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload


async def test_pdf_of_a_draft_has_a_watermark_and_of_an_approved_plan_has_none(scenario: Scenario) -> None:
    case = await scenario.open_case(child={**referral_payload()["child"], "names": BILINGUAL_NAMES})
    assessment = await create_approved_assessment(scenario, case)
    worker = scenario.worker_north
    payload = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    path = f"/v1/care-plans/{plan['id']}"
    empty_pdf = parse_pdf((await worker.get(f"{path}/print.pdf")).content)
    assert "DRAFT" in extract_text(empty_pdf)
    assert "Not answered yet." in extract_text(empty_pdf)
    await fill_care_plan(scenario, plan)
    draft_response = await worker.get(f"{path}/print.pdf")
    assert extract_text(parse_pdf(draft_response.content)).startswith("DRAFT")
    expect_json(await worker.act(path, "submit"))
    assert extract_text(parse_pdf((await worker.get(f"{path}/print.pdf")).content)).startswith("DRAFT")
    expect_json(await scenario.supervisor_north.act(path, "approve"))

    response = await worker.get(f"{path}/print.pdf")
    assert response.headers["content-type"] == "application/pdf"
    assert (
        response.headers["content-disposition"]
        == f'inline; filename="{case["number"]}-care-plan-child-1.pdf"'
    )
    assert response.headers["cache-control"] == "no-store"
    reader = parse_pdf(response.content)
    text = extract_text(reader)
    assert "DRAFT" not in text
    for part in (
        case["number"], "Keo Intrea", "កែវ ឥន្ទ្រា", "1. Emotional health", "7. Legal", "Sleeps through the night.",
        "Play therapy on Tuesdays.", "Social worker", "31 January 2027", "Tells the grandmother.", "A caring grandmother.",
        "Worker North", "Supervisor North", format_date(today(), "en"), "Signature or thumbprint", "Strong enough.",
        f"Page 1 of {len(reader.pages)}", f"Page {len(reader.pages)} of {len(reader.pages)}",
    ):  # fmt: skip
        assert part in text, part
    for confidential in ("What is missing", "Low while the grandmother", "Risk", "Rating"):
        assert confidential not in text
    for page in reader.pages:
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    for font in {str(f) for page in reader.pages for f in list_font_names(page)}:
        assert re.fullmatch(r"/[A-Z]+\+NotoSans(Khmer|Math)?(-?Bold)?", font), font
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["act"], entry["child_id"], entry["case_id"]) == (
        "care_plan.print",
        case["child_id"],
        case["id"],
    )


def list_font_names(page: Any) -> list[str]:
    """Return the names of the fonts of a page. Fails if a font is not embedded."""
    names = []
    for font in page["/Resources"]["/Font"].values():
        [descendant] = font.get_object()["/DescendantFonts"]
        assert "/FontFile2" in descendant.get_object()["/FontDescriptor"]
        names.append(font.get_object()["/BaseFont"])
    return names


async def test_pdf_language_is_selected_by_query_or_header(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    path = f"/v1/care-plans/{plan['id']}/print.pdf"
    worker = scenario.worker_north
    for options in ({"params": {"language": "km"}}, {"headers": {"accept-language": "km"}}):
        response = await worker.get(path, **options)
        text = extract_text(parse_pdf(response.content))
        for part in (
            "ផែនការថែទាំ",
            "១. សុខភាពផ្លូវអារម្មណ៍",
            "បុគ្គលិកសង្គមកិច្ច",
            "៣១ មករា ២០២៧",
            "ទំព័រទី ១ នៃ",
            case["number"],
        ):
            assert part in text, part
        assert response.headers["content-language"] == "km"
    english_response = await worker.get(path, params={"language": "en"}, headers={"accept-language": "km"})
    assert "Care plan" in extract_text(parse_pdf(english_response.content))
    assert (await worker.get(path, params={"language": "fr"})).status_code == 422
    for name, status in (
        ("supervisor_north", 200), ("manager", 200), ("worker_south", 404),
        ("partner_one", 403), ("finance", 403), ("dpo", 403), ("admin", 403),
    ):  # fmt: skip
        assert (await scenario.client_for(name).get(path)).status_code == status


async def test_header_counts_the_characters_that_no_font_has(scenario: Scenario) -> None:
    names = [{"script": "latin", "family": "Nguyễn", "given": "Thị Hồng Đặng 김"}]
    case = await scenario.open_case(child={**referral_payload()["child"], "names": names})
    assessment = await create_approved_assessment(scenario, case)
    worker = scenario.worker_north
    payload = {"subject": "child", "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    response = await worker.get(f"/v1/care-plans/{plan['id']}/print.pdf")
    assert extract_text(parse_pdf(response.content)).count("Nguyễn Thị Hồng Đặng") == 2
    assert response.headers["missing-characters"] == "2"  # in the case data and above the signature
    picture = await worker.get(f"/v1/cases/{case['id']}/ecomap.svg")
    assert picture.headers["missing-characters"] == "1"
    chart = await worker.get(f"/v1/cases/{case['id']}/progress.svg")
    assert chart.headers["missing-characters"] == "0"


async def test_approved_plan_of_a_supporter_has_no_signature_of_the_child(scenario: Scenario) -> None:
    case = await scenario.open_case()
    assessment = await create_approved_assessment(scenario, case, subject="supporter", weak_areas=())
    worker, payload = scenario.worker_north, {"subject": "supporter", "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    path = f"/v1/care-plans/{plan['id']}"
    etag = (await worker.get(path)).headers["etag"]
    expect_json(await worker.patch(path, CARE_PLAN_PAYLOADS["other"], etag=etag))
    expect_json(await worker.act(path, "submit"))
    expect_json(await scenario.supervisor_north.act(path, "approve"))
    text = extract_text(parse_pdf((await worker.get(f"{path}/print.pdf")).content))
    assert "Not answered yet." not in text
    assert "What abuse does to a child." in text
    signatures = text.split("We have read this plan together and agree with it.")[1]
    assert "The supporter" in signatures
    assert "The child" not in signatures
