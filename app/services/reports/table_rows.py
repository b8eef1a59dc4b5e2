"""The rows of a report as a file contains them: headings, the values of the dimensions, and the figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.access.report_reader import REPORT_SECONDS
from app.kit.formatting import format_number
from app.schemas.codes import get_code_label
from app.schemas.money import Money
from app.schemas.reports import ReportFigure, ReportResult, ReportText

TOTAL = {"en": "Total", "km": "សរុប"}
PREVIOUS = {"en": "period before", "km": "រយៈពេលមុន"}
GRANT = {"en": "Grant", "km": "លេខកូដជំនួយ"}
Cell = str | int | float | None


TOO_SLOW = {
    "en": "The report took longer than {seconds} seconds, so that its figures are missing. Try a shorter period.",
    "km": "របាយការណ៍នេះចំណាយពេលលើសពី {seconds} វិនាទី ដូច្នេះគ្មានតួលេខទេ។ សូមសាកល្បងរយៈពេលខ្លីជាងនេះ។",
}


@dataclass(frozen=True, slots=True)
class SlowReport:
    """A report of a run that took too long. The files contain a note in its place."""

    name: str
    first_day: date
    last_day: date

    def get_title(self, language: str) -> str:
        """Return the title of the report."""
        return get_code_label("report", self.name, language)

    def build_note(self, language: str) -> str:
        """Return the explanation."""
        return TOO_SLOW[language].format(seconds=format_number(str(REPORT_SECONDS), language))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: the measure, and whether it shows the previous period."""

    measure: str
    is_previous: bool
    title: str
    kind: str


def get_text(text: ReportText, language: str) -> str:
    """Return a text in a language."""
    return text.km if language == "km" else text.en


def list_columns(result: ReportResult, language: str) -> list[Column]:
    """Return the columns of figures: the columns of the period, then the columns of the previous period."""
    measures = [(m.name, get_text(m.title, language), m.kind) for m in result.report.measures]
    columns = [Column(name, False, title, kind) for name, title, kind in measures]
    if result.previous is not None:
        columns += [
            Column(name, True, f"{title} ({PREVIOUS[language]})", kind) for name, title, kind in measures
        ]
    return columns


def list_dimension_titles(result: ReportResult, language: str) -> list[str]:
    """Return the titles of the dimensions."""
    return [get_code_label("report_dimension", name, language) for name in result.by]


def list_rows(result: ReportResult, language: str) -> Iterator[tuple[list[tuple[str, str]], list[Cell]]]:
    """Yield code and label of each dimension and the figures of each group, and then the figures of the total."""
    columns = list_columns(result, language)
    before = [None] * len(result.current.rows) if result.previous is None else result.previous.rows
    for row, previous in zip(result.current.rows, before, strict=True):
        figures = [
            _to_cell((previous if column.is_previous and previous else row).figures[column.measure])
            for column in columns
        ]
        yield [(value.code, value.label) for value in row.group], figures
    totals = [
        _to_cell(
            (result.previous if column.is_previous and result.previous else result.current).total[
                column.measure
            ]
        )
        for column in columns
    ]
    yield [("total", TOTAL[language])] * len(result.by), totals


def _to_cell(figure: ReportFigure) -> Cell:
    return float(figure.amount) if isinstance(figure, Money) else figure
