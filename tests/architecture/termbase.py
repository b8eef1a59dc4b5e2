"""The Khmer termbase: its terms, and every English text of the application with its Khmer translation.

`python -m tests.architecture.termbase` writes the table of docs/termbase.md.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.errors import FirstStepError
from app.services.agenda.digests import BODIES, SUBJECTS
from app.services.care_plans.pdf_content import CARE_PLAN_LABELS
from app.services.fund_statements import statement_files
from app.services.reports import printed_report, table_rows, xlsx_file
from app.services.reviews import ecomap, progress_chart
from app.services.support.letter_content import LETTER_LABELS
from tests.architecture.source_files import ROOT

TERMBASE_FILE, TERMBASE_PAGE = ROOT / "docs/termbase.json", ROOT / "docs/termbase.md"
TABLE_START, TABLE_END = "<!-- table -->\n", "<!-- end of table -->\n"


@dataclass(frozen=True)
class Term:
    """A concept with its English words (a regular expression) and its only Khmer term."""

    concept: str
    english: str
    khmer: str
    variants: list[str]
    """Other Khmer words for the concept, which no text may contain."""
    stem: str | None = None
    """Part of the term that all its forms contain, if verbs and nouns differ."""
    exclusive: bool = False
    """Whether the Khmer term may not translate anything else."""
    exceptions: Mapping[str, str] = field(default_factory=dict)
    """Places whose text differs, with the reason."""
    needs_native_reader: bool = False
    note: str = ""

    def matches_english(self, text: str) -> bool:
        return re.search(rf"\b(?:{self.english})\b", text, re.IGNORECASE) is not None

    def matches_khmer(self, text: str) -> bool:
        return (self.stem or self.khmer) in text


class Translation(NamedTuple):
    """An English text with its Khmer translation."""

    place: str
    english: str
    khmer: str


def load_terms() -> list[Term]:
    return [Term(**term) for term in json.loads(TERMBASE_FILE.read_text())["terms"]]


def list_translations() -> Iterator[Translation]:
    """Yield the labels of codes, of printed files, reports and errors, and the lines of the e-mail about the agenda.

    The templates of faults are left out, and the titles of calendar events, which are neutral on purpose.
    """
    for path in sorted((ROOT / "app/schemas/code_lists").glob("*.json")):
        yield from _walk_code_list(json.loads(path.read_text()))
    for name, labels in (
        ("care_plan", _to_labels(CARE_PLAN_LABELS)),
        ("letter", _to_labels(LETTER_LABELS)),
        (
            "digest",
            {language: _number([SUBJECTS[language], *BODIES[language].splitlines()]) for language in BODIES},
        ),
        ("printed_report", printed_report.LABELS),
        ("report_sheets", {language: _number(names) for language, names in xlsx_file.SHEET_NAMES.items()}),
        ("report_fields", {language: _number(labels) for language, labels in xlsx_file.FIELD_LABELS.items()}),
        *(
            (
                f"report_{name}",
                {language: {"text": text} for language, text in getattr(table_rows, name).items()},
            )
            for name in ("TOTAL", "PREVIOUS", "GRANT")
        ),
        ("ecomap", ecomap.LABELS),
        ("progress_chart", progress_chart.LABELS),
        ("statement", statement_files.LABELS),
    ):
        for key, english in labels["en"].items():
            yield Translation(f"{name}.{key}", english, labels["km"][key])
    for error in _list_error_classes(FirstStepError):
        if titles := getattr(error, "titles", None):
            yield Translation(f"errors.{error.__name__}", titles["en"], titles["km"])


def _to_labels(tuples: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the fields of one named tuple for each language."""
    return {language: dict(_flatten(fields._asdict())) for language, fields in tuples.items()}


def _number(texts: Iterable[str]) -> dict[str, str]:
    """Return texts without a name by their number."""
    return {str(number): text for number, text in enumerate(texts) if text}


def _walk_code_list(code_list: Mapping[str, Any]) -> Iterator[Translation]:
    name, title = code_list["list"], code_list["title"]
    yield Translation(f"{name}.title", title["en"], title["km"])
    for code in code_list["codes"]:
        yield Translation(f"{name}.{code['code']}", code["en"], code["km"])


def _flatten(labels: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, label in labels.items():
        if isinstance(label, str):
            yield key, label
        else:
            yield from ((f"{key}.{inner}", text) for inner, text in label.items())


def _list_error_classes(error: type[FirstStepError]) -> Iterator[type[FirstStepError]]:
    for subclass in error.__subclasses__():
        yield subclass
        yield from _list_error_classes(subclass)


def render_table(terms: list[Term]) -> str:
    rows = [
        f"| {term.concept} | {term.khmer} | {', '.join(term.variants) or '–'} "
        f"| {'yes' if term.needs_native_reader else ''} | {term.note} |"
        for term in terms
    ]
    heading = "| concept | term | not | needs a native reader | note |\n|---|---|---|---|---|\n"
    return TABLE_START + heading + "\n".join(rows) + "\n" + TABLE_END


def replace_table(page: str, table: str) -> str:
    before, _, rest = page.partition(TABLE_START)
    return before + table + rest.partition(TABLE_END)[2]


if __name__ == "__main__":
    TERMBASE_PAGE.write_text(replace_table(TERMBASE_PAGE.read_text(), render_table(load_terms())))
