"""Prepare a release: count the facts of a closed period, round the counts, and store them as a draft."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.report_reader import ReportReader
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE, add_months, today
from app.kit.state_machine import raise_if_unmet
from app.models import Release, ReleasedTable, ReleasePopulation, Target
from app.models.record import new_id
from app.schemas.fault_messages import PYDANTIC_MESSAGES, VALIDATION_MESSAGES, format_message
from app.schemas.releases import Release as ReleaseSchema
from app.schemas.releases import ReleaseCreate
from app.services.releases.counts import ReportCounts, count_facts
from app.services.releases.exact_tables import build_exact_content
from app.services.releases.menu import MenuReport, MenuTable
from app.services.releases.menu_reports import MENU, TABLES
from app.services.releases.periods import ReleasePeriod, list_latest_closed_periods
from app.services.releases.published_cells import CellRounding, build_table_content, compute_table_hash
from app.services.releases.responses import save_release

MONTHS_BETWEEN_EDITIONS = 12
POSITIONS = {name: position for position, name in enumerate(TABLES, 1)}


async def create_release(
    session: AsyncSession, reader: ReportReader, caller: Caller, payload: ReleaseCreate
) -> ReleaseSchema:
    """Prepare a release as a draft.

    Raises:
        InvalidInput: the period is not closed, or a table is not available for it.
        GateRefused: the period has a draft or gets one at this time, or has an edition that is less than a year old.
        AlreadyExists: the id is taken.
        Unavailable: counting took too long.
    """
    period = ReleasePeriod.parse(payload.period)
    _validate_closed(period)
    allowed = await list_available_tables(session, period)
    names = payload.tables if payload.tables is not None else allowed
    tables = _select_tables(allowed, names)
    edition = await _find_next_edition(session, period)
    release = Release(
        id=payload.id or new_id(),
        period=str(period),
        first_day=period.first_day,
        last_day=period.last_day,
        edition=edition,
        prepared_by_id=caller.id,
    )
    session.add(release)
    await session.flush()  # the rows of the tables refer to the release
    for name, group in groupby(tables, lambda table: table.report):
        report = MENU[name]
        if report.is_exact:
            for table in group:
                content = await build_exact_content(reader, report, table, period)
                session.add(_build_table(release, table, content))
            continue
        counts = await count_facts(reader, report, period)
        session.add(_build_population(release.id, report, counts))
        session.add_all(_build_tables(release, period, report, list(group), counts, names))
    return await save_release(session, caller, release)


async def list_available_tables(session: AsyncSession, period: ReleasePeriod) -> list[str]:
    """Return the names of the tables that a release of a closed period can contain, in the order of the menu."""
    rows = await session.execute(select(col(Target.name), col(Target.hours)))
    hours = {row.name: row.hours for row in rows}
    return [
        table.name
        for report in MENU.values()
        if _is_available(report, period, hours)
        for table in report.list_tables()
    ]


def _is_available(report: MenuReport, period: ReleasePeriod, target_hours: Mapping[str, int]) -> bool:
    """Return whether a report has tables of a period. The entries of a cohort must have been followed to the end."""
    rule = report.report.period
    target_days = max((ceil(target_hours[name] / 24) for name in rule.targets), default=0)
    is_followed = period.is_closed(max(rule.follow_up_days or target_days, report.follow_up_days))
    return is_followed and report.periods in ("any", "years" if period.is_year else "quarters")


def _validate_closed(period: ReleasePeriod) -> None:
    if not period.is_closed():
        params = {"allowed": list(list_latest_closed_periods())}
        detail = format_message(VALIDATION_MESSAGES["period_not_closed"], params)
        raise InvalidInput([Fault("/period", "period_not_closed", detail, params)])


def _select_tables(allowed: Sequence[str], names: Sequence[str]) -> list[MenuTable]:
    """Return the tables with these names in the order of the menu.

    Raises:
        InvalidInput: a table is not allowed.
    """
    params = {"allowed": list(allowed)}
    detail = format_message(PYDANTIC_MESSAGES["literal_error"], params)
    faults = [
        Fault(f"/tables/{n}", "literal_error", detail, params)
        for n, name in enumerate(names)
        if name not in allowed
    ]
    if faults:
        raise InvalidInput(faults)
    return [TABLES[name] for name in allowed if name in names]


async def _find_next_edition(session: AsyncSession, period: ReleasePeriod) -> int:
    """Return the number of the next edition of a period.

    Raises:
        GateRefused: the period has a draft, or an edition that is less than a year old.
    """
    query = select(
        func.max(col(Release.edition)).filter(col(Release.status) == "published"),
        func.max(col(Release.published_at)),
        func.count().filter(col(Release.status).in_(("draft", "auditing"))),
    ).where(col(Release.period) == str(period))
    # Another request can be counting the same period, which takes long. A lock that does not wait refuses this one.
    is_first = await session.scalar(
        select(func.pg_try_advisory_xact_lock(func.hashtext(f"releases|{period}")))
    )
    edition, published_at, drafts = (await session.execute(query)).one()
    unmet = []
    if drafts or not is_first:
        unmet.append(Fault("/period", "draft_exists", "The period has a draft. Discard or publish it first."))
    if published_at is not None:
        earliest = add_months(published_at.astimezone(CAMBODIA_TIMEZONE).date(), MONTHS_BETWEEN_EDITIONS)
        if today() < earliest:
            params = {"earliest": str(earliest)}
            detail = format_message(VALIDATION_MESSAGES["edition_too_early"], params)
            unmet.append(Fault("/period", "edition_too_early", detail, params))
    raise_if_unmet(unmet)
    return (edition or 0) + 1


def _build_population(release_id: UUID, report: MenuReport, counts: ReportCounts) -> ReleasePopulation:
    population = ReleasePopulation(
        id=new_id(),
        release_id=release_id,
        report=report.name,
        dimensions=[dimension.name for dimension in report.dimensions],
    )
    population.counts = {
        quarter: [[*cell, number] for cell, number in sorted(cells.items())]
        for quarter, cells in counts.by_quarter.items()
    }
    return population


def _build_tables(
    release: Release,
    period: ReleasePeriod,
    report: MenuReport,
    tables: Sequence[MenuTable],
    counts: ReportCounts,
    names: Iterable[str],
) -> Iterator[ReleasedTable]:
    rounding = CellRounding(report, str(period), counts, get_vault().key_ring.release_draw)
    for table in tables:
        content = build_table_content(report, table, rounding, counts.median, names)
        yield _build_table(release, table, content)


def _build_table(release: Release, table: MenuTable, content: dict[str, Any]) -> ReleasedTable:
    return ReleasedTable(
        id=new_id(),
        release_id=release.id,
        position=POSITIONS[table.name],
        name=table.name,
        report=table.report,
        dimensions=list(table.dimensions),
        content=content,
        hash=compute_table_hash(table, release.period, release.edition, content),
    )
