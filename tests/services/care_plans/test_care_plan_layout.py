"""The pages of printed care plans: what the plan of each subject contains, and where pages break."""

import itertools
from typing import Any

import pypdf
import pytest

from app.schemas.codes import get_codes
from app.services.care_plans.pdf_content import CARE_PLAN_LABELS
from app.services.care_plans.pdf_layout import lay_out_care_plan
from tests.support.printable_plans import build_area, build_printable
from tests.support.printed_pages import extract_page_text, extract_text, list_drawn_glyphs, parse_pdf

FIVE_SCRIPTS = ["កែវ ឥន្ទ្រា", "Nguyễn Thị Hồng Đặng", "สมชาย ใจดี", "王小明", "محمد"]


def print_plan(subject: str = "child", **changes: Any) -> pypdf.PdfReader:
    return parse_pdf(lay_out_care_plan(build_printable(subject, **changes)).content)


def get_signatures(text: str, language: str = "en") -> str:
    """Return the text from the agreement on."""
    return text.split(CARE_PLAN_LABELS[language].agreement)[1]


@pytest.mark.parametrize("language", ["en", "km"])
@pytest.mark.parametrize("subject", ["supporter", "family"])
def test_plan_of_a_supporter_or_family_contains_only_its_answered_areas(subject: str, language: str) -> None:
    # Catches: the condition on the subject removed from `_list_printed_areas`.
    labels = CARE_PLAN_LABELS[language]
    texts = {"knowledge_gaps": "What abuse does.", "capacity_gaps": "Time.", "needs_social_work": False}
    text = extract_text(print_plan(subject, areas={"legal": build_area()}, language=language, **texts))
    assert labels.unanswered not in text
    assert labels.nothing_recorded not in text
    for title in (labels.safety_plan, labels.child_view, labels.supporter_view):
        assert title not in text
    for part in ("What abuse does.", "Time.", labels.no, "Sleeps well.", "Play therapy.", "A caring aunt."):
        assert part in text
    assert text.count(labels.goal.format("១" if language == "km" else "1")) == 1


@pytest.mark.parametrize("language", ["en", "km"])
@pytest.mark.parametrize("subject", ["supporter", "family"])
def test_child_does_not_sign_the_plan_of_a_supporter_or_family(subject: str, language: str) -> None:
    labels = CARE_PLAN_LABELS[language]
    text = get_signatures(extract_text(print_plan(subject, language=language)), language)
    assert labels.signatories["child"] not in text
    assert "Keo Intrea" not in text
    for role in (subject, "worker", "supervisor"):
        assert labels.signatories[role] in text
    for name in ("Keo Bopha", "Worker North", "Supervisor North"):
        assert name in text
    assert text.count(labels.signature) == 3


def test_plan_of_a_child_contains_all_areas_and_four_signatures() -> None:
    text = extract_text(print_plan("child"))
    assert text.count(CARE_PLAN_LABELS["en"].unanswered) == 7
    assert text.count(CARE_PLAN_LABELS["en"].nothing_recorded) == 3
    assert get_signatures(text).count("Signature or thumbprint") == 4
    assert "Keo Intrea" in get_signatures(text)


def test_recorded_safety_plan_and_views_of_a_supporter_plan_are_printed() -> None:
    text = extract_text(print_plan("supporter", safety_plan="To the neighbour.", child_view="Football."))
    assert "To the neighbour." in text
    assert "Football." in text
    assert CARE_PLAN_LABELS["en"].supporter_view not in text


def test_long_plan_keeps_every_row_and_fits_its_pages() -> None:
    areas = {area: build_area(goal_count=2, action_count=15) for area in get_codes("area")}
    reader = print_plan(areas=areas, child_names=FIVE_SCRIPTS, supporter_view="word " * 2000)
    text = extract_text(reader)
    assert text.count("Play therapy.") == 210
    assert text.count("word") == 2000
    for page, number in zip(reader.pages, itertools.count(1), strict=False):
        assert f"Page {number} of {len(reader.pages)}" in extract_page_text(page)
        assert list(list_drawn_glyphs(page))


@pytest.mark.parametrize("language", ["en", "km"])
def test_names_in_five_scripts_are_printed_and_missing_characters_are_counted(language: str) -> None:
    names = [f"{name} {name}" for name in FIVE_SCRIPTS]
    printable = build_printable(
        "supporter",
        language=language,
        child_names=names,
        person_name=" · ".join(names),
        author_name="W" * 120,
    )
    printed = lay_out_care_plan(printable)
    text = extract_text(parse_pdf(printed.content))
    for name in FIVE_SCRIPTS:
        assert name.split()[0] in text
    assert printed.missing_characters % 8 == 0
    assert printed.missing_characters >= 16  # the Arabic name of four letters, twice per place


def test_empty_plan_of_each_subject_is_printed() -> None:
    for subject, status in itertools.product(
        ("child", "supporter", "family"), ("draft", "submitted", "superseded")
    ):
        reader = print_plan(subject, status=status, child_names=[], person_name=None, approver_name=None)
        assert get_signatures(extract_text(reader)).count("Date") == (4 if subject == "child" else 3)
