"""A report as a file to download."""

import asyncio
from typing import NamedTuple

from app.rendering.printed_file import PrintedFile
from app.schemas.reports import ReportResult

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SVG_MEDIA_TYPE, PDF_MEDIA_TYPE = "image/svg+xml", "application/pdf"
_render_semaphore = asyncio.Semaphore(2)
"""Limits the number of concurrent renderings in one process, because rendering uses the processor."""


class ReportFile(NamedTuple):
    """A file with its name and media type."""

    name: str
    media_type: str
    content: bytes


class PrintedReport(NamedTuple):
    """A picture or a PDF with its name and language."""

    name: str
    media_type: str
    printed: PrintedFile
    language: str


async def render_report(
    result: ReportResult, file_format: str, language: str, *, bom: bool
) -> ReportFile | PrintedReport:
    """Return a report as a file. The name contains the report and its period."""
    period = f"{result.current.first_day}-{result.current.last_day}"
    name = f"{result.report.name}-{period}.{file_format}"
    if file_format == "csv":
        from app.services.reports.csv_file import render_csv  # noqa: PLC0415 - rarely needed

        return ReportFile(name, CSV_MEDIA_TYPE, render_csv(result, language, with_byte_order_mark=bom))
    if file_format == "xlsx":
        from app.services.reports.xlsx_file import render_xlsx  # noqa: PLC0415 - rarely needed

        return ReportFile(name, XLSX_MEDIA_TYPE, await asyncio.to_thread(render_xlsx, [result], language))
    from app.services.reports import printed_report  # noqa: PLC0415 - rarely needed

    render, media_type = {
        "svg": (printed_report.render_report_svg, SVG_MEDIA_TYPE),
        "pdf": (printed_report.render_report_pdf, PDF_MEDIA_TYPE),
    }[file_format]
    async with _render_semaphore:
        return PrintedReport(name, media_type, await asyncio.to_thread(render, result, language), language)
