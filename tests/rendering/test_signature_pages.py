"""Signature fields are on the page of the text that they sign, for every length of the text."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from app.rendering.page_flow import BOTTOM_LIMIT, FINE_PRINT_STYLE, PageFlow
from app.services.care_plans.pdf_content import CARE_PLAN_LABELS
from app.services.care_plans.pdf_layout import CarePlanLayout
from app.services.support.letter_content import LETTER_LABELS, PrintableLetter
from app.services.support.letter_layout import LetterLayout
from tests.support.printable_plans import build_printable
from tests.support.printed_pages import LineRecorder

LENGTHS = range(30)
WORDS = {"en": "word ", "km": "ពាក្យ "}
LONG_NAME = "Chan Sreymom " * 12


def build_plan(subject: str, last_text: str) -> Callable[[str, str], PageFlow]:
    """Return a function that builds the layout of a care plan from its last text and language."""

    def build(text: str, language: str) -> PageFlow:
        changes: dict[str, Any] = {"person_name": LONG_NAME, last_text: text}
        return CarePlanLayout(build_printable(subject, language=language, **changes))

    return build


def build_letter(fields: int) -> Callable[[str, str], PageFlow]:
    """Return a function that builds the layout of a letter, whose last field is the text."""

    def build(text: str, language: str) -> PageFlow:
        shared = [(LETTER_LABELS[language].unknown, text)] * fields
        values: dict[str, Any] = {
            "provider_name": "Clinic", "service": "Health care", "sent_on": date(2026, 5, 4), "sender_name": LONG_NAME,
            "recall_requested_on": None,
        }  # fmt: skip
        return LetterLayout(PrintableLetter(file_name="x", language=language, fields=shared, **values))

    return build


DOCUMENTS: dict[str, tuple[Callable[[str, str], PageFlow], Any, int]] = {
    "plan of a child": (build_plan("child", "supporter_view"), CARE_PLAN_LABELS, 4),
    "plan of a supporter": (build_plan("supporter", "capacity_gaps"), CARE_PLAN_LABELS, 3),
    "plan of a family": (build_plan("family", "capacity_gaps"), CARE_PLAN_LABELS, 3),
    "letter with one field": (build_letter(1), LETTER_LABELS, 1),
    "letter with two fields": (build_letter(2), LETTER_LABELS, 1),
}
"""Every document with signature fields: the function that builds it, its labels and the number of signatures."""


@pytest.mark.parametrize("language", ["en", "km"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_signatures_are_never_alone_on_a_page(name: str, language: str) -> None:
    build, labels_by_language, signature_count = DOCUMENTS[name]
    labels, page_counts = labels_by_language[language], set()
    for length in LENGTHS:
        layout: Any = build(WORDS[language] * (1 + 22 * length) + "\n" * (length % 5), language)
        layout.pdf = recorder = LineRecorder()
        with closing(recorder):
            layout.render()
        pages = recorder.pages_of_lines
        page_counts.add(len(pages))
        texts = [text for text, _ in pages[-1]]
        agreement = texts.index(labels.agreement)
        assert texts[agreement:].count(labels.signature) == signature_count
        signed = [text for text in texts[:agreement] if is_signed_text(text, labels, WORDS[language].strip())]
        written = sum(WORDS[language].strip() in text for page in pages for text, _ in page)
        assert len(signed) >= min(2, written), (name, length)
        captions = [y for text, y in pages[-1][agreement:] if text in {labels.signature, labels.date}]
        assert max(captions) + FINE_PRINT_STYLE.line_height <= BOTTOM_LIMIT
    assert len(page_counts) > 1


def is_signed_text(text: str, labels: Any, word: str) -> bool:
    """Return whether a line belongs to the last texts, which come directly before the agreement."""
    return word in text or text in {
        getattr(labels, "social_work", None),
        getattr(labels, "nothing_recorded", None),
    }
