"""Publish or discard a release. A background job audits one report at a time, and then publishes or refuses the release."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.jobs import JobKind, enqueue_job
from app.kit.records import get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Release, ReleasedTable, ReleasePopulation
from app.models.record import utc_now
from app.schemas.releases import Release as ReleaseSchema
from app.services.releases import states
from app.services.releases.menu_reports import MENU
from app.services.releases.release_audit import AuditedRelease, AuditedTable, find_tables_to_drop
from app.services.releases.responses import save_release


async def publish_release(
    session: AsyncSession, caller: Caller, release_id: UUID, expected_version: int
) -> ReleaseSchema:
    """Decide to publish a release, and begin its audit.

    Raises:
        NotFound: the release does not exist.
        StaleVersion: the release was changed since the caller read it.
        GateRefused: the caller prepared the release, it is not a draft, or another release is being audited.
    """
    release = await get_version_for_update(session, Release, release_id, expected_version)
    raise_if_unmet([
        *check_status(states.PUBLISH, release.status),
        *_check_another_person(release, caller),
        *await _check_no_audit_running(session, release_id),
    ])  # fmt: skip
    release.status, release.approved_at, release.approved_by_id = states.AUDITING, utc_now(), caller.id
    enqueue_job(session, RELEASE_AUDIT, {"release_id": str(release_id)})
    return await save_release(session, caller, release)


async def discard_release(
    session: AsyncSession, caller: Caller, release_id: UUID, expected_version: int
) -> ReleaseSchema:
    """Discard a draft, even while it is being audited.

    Raises:
        NotFound: the release does not exist.
        StaleVersion: the release was changed since the caller read it.
        GateRefused: the release is published, refused or discarded.
    """
    release = await get_version_for_update(session, Release, release_id, expected_version)
    raise_if_unmet(check_status(states.DISCARD, release.status))
    release.status, release.discarded_at, release.discarded_by_id = "discarded", utc_now(), caller.id
    return await save_release(session, caller, release)


def _check_another_person(release: Release, caller: Caller) -> list[Fault]:
    if release.prepared_by_id != caller.id:
        return []
    return [
        Fault(None, "own_work", "The person who publishes must not be the person who prepared the release.")
    ]


async def _check_no_audit_running(session: AsyncSession, release_id: UUID) -> list[Fault]:
    """Return a fault if another release is being audited: neither audit would include the tables of the other one."""
    # Two people can begin to publish different releases at the same time. The lock lasts until the transaction ends.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("releases.audit"))))
    query = select(col(Release.id)).where(
        col(Release.status) == states.AUDITING, col(Release.id) != release_id
    )
    if await session.scalar(query) is None:
        return []
    return [Fault(None, "audit_running", "Another release is being audited. Try again when it has ended.")]


async def audit_next_report(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Audit the next report of a release. After the last one, publish or refuse the release."""
    query = (
        select(Release).where(col(Release.id) == UUID(payload["release_id"])).with_for_update(key_share=True)
    )
    release = (await session.scalars(query)).one()
    if release.status != states.AUDITING:
        return  # the release was discarded
    reports = await _list_reports(session, release.id)
    name = reports[release.audited_reports]
    if not MENU[name].is_exact:
        published = await _load_published(session, release, name)
        (audited,) = await _load_releases(session, [release], name)
        dropped = await asyncio.to_thread(find_tables_to_drop, MENU[name], audited, published)
        release.tables_to_drop = [*release.tables_to_drop, *dropped]
    release.audited_reports += 1
    release.version += 1
    if release.audited_reports < len(reports):
        enqueue_job(session, RELEASE_AUDIT, payload)
    elif release.tables_to_drop:
        release.status = states.FAIL_AUDIT.target
    else:
        release.status, release.published_at = states.PASS_AUDIT.target, utc_now()


async def _list_reports(session: AsyncSession, release_id: UUID) -> list[str]:
    """Return the reports of a release in the order of their first table."""
    query = (
        select(col(ReleasedTable.report))
        .where(col(ReleasedTable.release_id) == release_id)
        .group_by(col(ReleasedTable.report))
        .order_by(func.min(col(ReleasedTable.position)))
    )
    return list(await session.scalars(query))


async def _load_published(session: AsyncSession, release: Release, report: str) -> list[AuditedRelease]:
    """Return the published tables of a report in the year of a release, in the order of publication."""
    year = release.period[:4]
    query = (
        select(Release)
        .where(col(Release.status) == "published", col(Release.period).startswith(year))
        .order_by(col(Release.published_at), col(Release.id))
    )
    return await _load_releases(session, (await session.scalars(query)).all(), report)


async def _load_releases(
    session: AsyncSession, releases: Sequence[Release], report: str
) -> list[AuditedRelease]:
    ids = [release.id for release in releases]
    populations = await session.scalars(
        select(ReleasePopulation).where(
            col(ReleasePopulation.release_id).in_(ids), col(ReleasePopulation.report) == report
        )
    )
    by_release = {population.release_id: population for population in populations}
    tables = (
        await session.scalars(
            select(ReleasedTable).where(
                col(ReleasedTable.release_id).in_(ids), col(ReleasedTable.report) == report
            )
        )
    ).all()
    return [
        _build_audited_release(
            release, by_release[release.id], [table for table in tables if table.release_id == release.id]
        )
        for release in releases
        if release.id in by_release
    ]


def _build_audited_release(
    release: Release, population: ReleasePopulation, tables: Iterable[ReleasedTable]
) -> AuditedRelease:
    ordered = sorted(tables, key=lambda table: table.position)
    return AuditedRelease(
        str(release.id),
        release.period,
        tuple(population.dimensions),
        {
            quarter: {tuple(cell): number for *cell, number in cells}
            for quarter, cells in population.counts.items()
        },
        [AuditedTable(table.name, tuple(table.dimensions), table.content["cells"]) for table in ordered],
    )


RELEASE_AUDIT = JobKind("release_audit", audit_next_report)
