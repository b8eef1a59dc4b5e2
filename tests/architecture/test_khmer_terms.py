"""One Khmer term per concept in every text of the application (docs/termbase.json)."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.architecture.source_files import ROOT
from tests.architecture.termbase import (
    TERMBASE_PAGE,
    Term,
    list_translations,
    load_terms,
    render_table,
    replace_table,
)

TERMS = load_terms()
TRANSLATIONS = list(list_translations())
TEXT_FOLDERS = ("app", "alembic", "docs", "openapi", "deploy", "README.md")
WITHOUT_LABELS = ("docs/termbase.", "app/services/persons/gazetteer_data/", "app/http/openapi/swagger_ui/")
"""Files with Khmer words that are not labels: the termbase, names of places, files of others."""
TEXT_FILE = re.compile(r"\.(?:py|json|md|sql|txt|yaml|toml|html)$")


def read_texts() -> Iterator[tuple[str, str]]:
    """Yield the name and content of every committed file that can contain Khmer text."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *TEXT_FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if TEXT_FILE.search(name) and not name.startswith(WITHOUT_LABELS) and (ROOT / name).is_file():
            yield name, (ROOT / name).read_text()


def find_variants(text: str, terms: list[Term]) -> list[str]:
    """Return the variants in a text. A variant inside a longer term does not count."""
    return [variant for term in terms for variant in term.variants if _contains_variant(text, variant, terms)]


def _contains_variant(text: str, variant: str, terms: list[Term]) -> bool:
    if variant not in text:
        return False
    for term in terms:
        text = text.replace(term.khmer, " ") if variant in term.khmer else text
    return variant in text


def test_no_text_contains_a_variant_of_a_term() -> None:
    # Catches: អ្នកត្រួតពិនិត្យ as the signatory of the care plan.
    texts = dict(read_texts())
    assert any("បុគ្គលិកសង្គមកិច្ច" in text for text in texts.values())
    found = {name: variants for name, text in texts.items() if (variants := find_variants(text, TERMS))}
    assert found == {}


@pytest.mark.parametrize("text", ["បុគ្គលិកសង្គម", "អ្នកត្រួតពិនិត្យ", "ទូរសព្ទ", "ការតែងតាំងអ្នកគាំទ្រ"])
def test_variant_is_found(text: str) -> None:
    assert find_variants(f"… {text} …", TERMS)
    assert not find_variants("បុគ្គលិកសង្គមកិច្ច អ្នកគ្រប់គ្រងការងារផ្ទាល់ អ្នកគាំទ្រ", TERMS)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.concept)
def test_every_label_of_a_concept_contains_its_term(term: Term) -> None:
    # Catches: another word for the supervisor in the list of roles.
    labels = [label for label in TRANSLATIONS if term.matches_english(label.english)]
    different = {label.place for label in labels if not term.matches_khmer(label.khmer)}
    assert different == set(term.exceptions)
    assert labels


@pytest.mark.parametrize("term", [term for term in TERMS if term.exclusive], ids=lambda term: term.concept)
def test_term_of_a_person_is_used_for_no_other_concept(term: Term) -> None:
    # Catches: អ្នកគាំទ្រ for the support person of a court.
    longer_terms = [other.khmer for other in TERMS if term.khmer in other.khmer and other is not term]
    for label in TRANSLATIONS:
        khmer = label.khmer
        for longer_term in longer_terms:
            khmer = khmer.replace(longer_term, " ")
        assert term.khmer not in khmer or term.matches_english(label.english), label


def test_every_term_belongs_to_one_concept() -> None:
    assert max(Counter(term.khmer for term in TERMS).values()) == 1
    assert max(Counter(term.concept for term in TERMS).values()) == 1
    khmer_terms = {term.khmer for term in TERMS}
    assert not [term.concept for term in TERMS if khmer_terms & set(term.variants)]


def test_labels_with_equal_english_texts_have_equal_khmer_texts() -> None:
    # Catches: `legal_aid` translated differently in two lists.
    khmer_by_english: dict[str, set[str]] = {}
    for label in TRANSLATIONS:
        if label.place.partition(".")[0] != "errors":
            khmer_by_english.setdefault(label.english, set()).add(label.khmer)
    different = {english: texts for english, texts in khmer_by_english.items() if len(texts) > 1}
    allowed = json.loads((ROOT / "docs/termbase.json").read_text())["equal_english"]
    assert set(different) == set(allowed), different


def test_page_contains_the_terms() -> None:
    page = TERMBASE_PAGE.read_text()
    assert page == replace_table(page, render_table(TERMS)), "run `python -m tests.architecture.termbase`"


@pytest.mark.parametrize(
    "place", ["letter", "digest", "printed_report", "report_fields", "statement", "care_plan"]
)
def test_labels_of_every_printed_file_and_e_mail_are_checked(place: str) -> None:
    assert any(translation.place.startswith(f"{place}.") for translation in TRANSLATIONS)
