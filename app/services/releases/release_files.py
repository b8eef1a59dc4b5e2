"""A release as a file: one row for each cell of all tables."""

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.schemas.codes import get_code_label, get_codes
from app.schemas.releases import Release, ReleasedTable, ReleaseQuery
from app.services.releases import responses
from app.services.reports.csv_file import BYTE_ORDER_MARK, defuse_formula
from app.services.reports.files import CSV_MEDIA_TYPE, XLSX_MEDIA_TYPE, ReportFile

COLUMNS = ("table", "title", "dimension_1", "code_1", "label_1", "dimension_2", "code_2", "label_2", "count", "percentage", "median", "is_exact")  # fmt: skip
SHEET_NAMES = {"en": ("Figures", "Notes"), "km": ("តួលេខ", "កំណត់ចំណាំ")}
MAX_DIMENSIONS = 2


class ReleaseFile(NamedTuple):
    """A file of a release, with the ETag of its content."""

    file: ReportFile
    etag: str


async def get_release(
    reader: RecordReader, caller: Caller, release_id: UUID, query: ReleaseQuery, accepted_language: str
) -> Release | ReleaseFile:
    """Return a release in the format of the query.

    Raises:
        NotFound: the release does not exist, or is not published and the caller cannot see drafts.
    """
    release = await responses.get_release(reader, caller, release_id)
    if query.format == "json":
        return release
    language = query.language or accepted_language
    file = await render_release(release, query.format, language, bom=query.bom)
    suffix = "-bom" if query.bom else ""
    return ReleaseFile(file, f'"{release.version}-{query.format}-{language}{suffix}"')


async def render_release(release: Release, file_format: str, language: str, *, bom: bool) -> ReportFile:
    """Return a release as a file. Its bytes are the same at each call."""
    if file_format == "csv":
        content, media_type = _render_csv(release, language, bom=bom), CSV_MEDIA_TYPE
    else:
        content = await asyncio.to_thread(_render_xlsx, release, language)
        media_type = XLSX_MEDIA_TYPE
    return ReportFile(f"release-{release.period}-{release.edition}.{file_format}", media_type, content)


def list_rows(release: Release, language: str) -> Iterator[list[Any]]:
    """Yield the values of `COLUMNS` for each cell. Columns of dimensions that a table does not have are empty."""
    for table in release.tables:
        title = table.title.km if language == "km" else table.title.en
        for cell in table.cells:
            row = [table.name, title, *_describe_values(table, cell.values, language)]
            yield [*row, cell.count, cell.percentage, table.median, str(table.is_exact).lower()]


def _describe_values(table: ReleasedTable, codes: list[str], language: str) -> list[str]:
    texts: list[str] = []
    for dimension, code in zip(table.dimensions, codes, strict=True):
        # Not every list of a dimension contains the code of facts without a value.
        is_listed = code in get_codes(dimension.code_list)
        code_list = dimension.code_list if is_listed else "age_band"
        texts += [dimension.name, code, get_code_label(code_list, code, language)]
    return texts + [""] * 3 * (MAX_DIMENSIONS - len(codes))


def _get_note(release: Release, language: str) -> str:
    return release.note.km if language == "km" else release.note.en


def _render_csv(release: Release, language: str, *, bom: bool) -> bytes:
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow([*COLUMNS, "period", "edition", "note"])
    ends = [release.period, release.edition, defuse_formula(_get_note(release, language))]
    for row in list_rows(release, language):
        writer.writerow(["" if value is None else value for value in [*row, *ends]])
    return ((BYTE_ORDER_MARK if bom else "") + output.getvalue()).encode()


def _render_xlsx(release: Release, language: str) -> bytes:
    from xlsxwriter import Workbook  # noqa: PLC0415 - slow to import and rarely needed

    output = io.BytesIO()
    with Workbook(output, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        created: datetime = release.created_at
        workbook.set_properties({"created": created.replace(tzinfo=None)})
        figures_name, notes_name = SHEET_NAMES[language]
        figures, bold = workbook.add_worksheet(figures_name), workbook.add_format({"bold": True})
        figures.write_row(0, 0, COLUMNS, bold)
        for n, row in enumerate(list_rows(release, language), 1):
            figures.write_row(n, 0, row)
        figures.freeze_panes(1, 0)
        _write_notes(workbook.add_worksheet(notes_name), release, language)
    return output.getvalue()


def _write_notes(sheet: Any, release: Release, language: str) -> None:
    sheet.set_column(0, 1, 40)
    sheet.write_row(0, 0, [f"{release.period}, {release.edition}", _get_note(release, language)])
    for n, table in enumerate(release.tables, 2):
        definition = table.definition.km if language == "km" else table.definition.en
        sheet.write_row(n, 0, [table.name, definition, table.sha256])
