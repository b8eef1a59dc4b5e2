"""The catalogue of reports, and the figures of one report."""

from collections.abc import Sequence
from typing import Any

from app.access.caller import Caller
from app.access.report_reader import ReportReader
from app.errors import Fault, Forbidden, InvalidInput
from app.fault_codes import FaultCode
from app.kit.dates import today
from app.kit.state_machine import raise_if_unmet
from app.schemas.fault_messages import PYDANTIC_MESSAGES, format_message
from app.schemas.reports import (
    ReportCatalogue,
    ReportCode,
    ReportQuery,
    ReportResult,
    ReportRow,
    ReportTable,
)
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import Report
from app.services.reports.descriptions import build_definition
from app.services.reports.files import PrintedReport, ReportFile, render_report
from app.services.reports.labels import Labels, list_groups, load_labels
from app.services.reports.query import Period, Table, build_empty_figures, compute_table


def get_report_catalogue() -> ReportCatalogue:
    """Return the definitions of all reports."""
    return ReportCatalogue(items=[build_definition(report) for report in REPORTS.values()])


async def get_report(
    reader: ReportReader, caller: Caller, name: str, query: ReportQuery, accepted_language: str
) -> ReportResult | ReportFile | PrintedReport:
    """Return a report in the format of the query.

    Raises:
        Forbidden, InvalidInput, Unavailable: see `compute_report`.
        GateRefused: only a report run computes the report.
    """
    language = query.language or accepted_language
    if REPORTS[name].needs_run and not caller.roles.isdisjoint(REPORTS[name].readers):
        detail = "The report reads encrypted answers. Request it with POST /v1/report-runs."
        raise_if_unmet([Fault(None, "run_required", detail)])
    result = await compute_report(reader, caller, name, query, language)
    if query.format == "json":
        return result
    return await render_report(result, query.format, language, bom=query.bom)


async def compute_report(
    reader: ReportReader, caller: Caller, name: str, query: ReportQuery, language: str
) -> ReportResult:
    """Return the figures of a report.

    Raises:
        Forbidden: no role of the caller can read this report.
        InvalidInput: the report does not have a dimension of `by`, or no grants, or the grant does not exist.
        Unavailable: the report took too long.
    """
    report = REPORTS[name]
    reader.record_report(name, query.model_dump(mode="json", by_alias=True, exclude_none=True))
    if caller.roles.isdisjoint(report.readers):
        raise Forbidden
    if faults := check_dimensions(report, query.by, "query:by"):
        raise InvalidInput(faults)
    await _validate_grant(reader, report, query.grant_code)
    dimensions = [report.get_dimension(name) for name in query.by]
    labels = [await load_labels(reader, dimension, language) for dimension in dimensions]
    periods = [Period(query.first_day, query.last_day)]
    if query.compare is not None:
        periods.append(periods[0].previous)
    tables = [await compute_table(reader, report, period, query.by, query.grant_code) for period in periods]
    groups = list_groups(dimensions, labels, (group for table in tables for group in table.by_group))
    current, *previous = [
        _build_table(report, query.by, labels, groups, period, table)
        for period, table in zip(periods, tables, strict=True)
    ]
    return ReportResult(
        report=build_definition(report),
        by=query.by,
        grant_code=query.grant_code,
        is_final=query.last_day < today(),
        current=current,
        previous=previous[0] if previous else None,
    )


def check_dimensions(report: Report, by: Sequence[str], pointer: str) -> list[Fault]:
    """Return a fault if the report does not have one of the dimensions, or cannot be grouped by so many."""
    allowed = [dimension.name for dimension in report.dimensions]
    if set(by) <= set(allowed) and len(by) > report.max_dimensions:
        return [_build_fault(pointer, "too_long", {"max_length": report.max_dimensions})]
    if set(by) <= set(allowed):
        return []
    return [_build_fault(pointer, "literal_error", {"allowed": allowed})]


def _build_fault(pointer: str, code: FaultCode, params: dict[str, Any]) -> Fault:
    return Fault(pointer, code, format_message(PYDANTIC_MESSAGES[code], params), params)


async def _validate_grant(reader: ReportReader, report: Report, grant_code: str | None) -> None:
    if grant_code is None:
        return
    if not report.has_grants:
        detail = "The records of this report have no grant. Remove `grant_code`."
        raise InvalidInput([Fault("query:grant_code", "field_unfit", detail)])
    if not await reader.fetch("SELECT code FROM donor_grants WHERE code = $1", grant_code):
        detail = "There is no grant with this code."
        raise InvalidInput([Fault("query:grant_code", "reference_unknown", detail)])


def _build_table(
    report: Report,
    by: Sequence[str],
    labels: Sequence[Labels],
    groups: Sequence[tuple[str, ...]],
    period: Period,
    table: Table,
) -> ReportTable:
    empty = build_empty_figures(report.measures)
    return ReportTable(
        first_day=period.first_day,
        last_day=period.last_day,
        total=table.total,
        rows=[
            ReportRow(
                group=[
                    ReportCode(dimension=name, code=code, label=known.get(code, code))
                    for name, code, known in zip(by, group, labels, strict=True)
                ],
                figures=table.by_group.get(group, empty),
            )
            for group in groups
        ],
    )
