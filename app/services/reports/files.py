"""A report as a file to download."""

import asyncio
from typing import NamedTuple

from app.schemas.reports import ReportResult

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReportFile(NamedTuple):
    """A file with its name and media type."""

    name: str
    media_type: str
    content: bytes


async def render_report(result: ReportResult, file_format: str, language: str, *, bom: bool) -> ReportFile:
    """Return a report as a file. The name contains the report and its period."""
    if file_format == "csv":
        from app.services.reports.csv_file import render_csv  # noqa: PLC0415 - rarely needed

        content, media_type = render_csv(result, language, with_byte_order_mark=bom), CSV_MEDIA_TYPE
    else:
        from app.services.reports.xlsx_file import render_xlsx  # noqa: PLC0415 - rarely needed

        content = await asyncio.to_thread(render_xlsx, result, language)
        media_type = XLSX_MEDIA_TYPE
    period = f"{result.current.first_day}-{result.current.last_day}"
    return ReportFile(f"{result.report.name}-{period}.{file_format}", media_type, content)
