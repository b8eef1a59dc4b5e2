"""The caseload standard: the limits with which the caseload of workers and supervisors is compared, and the weights."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, open_response_reader
from app.kit.records import apply_patch, get_version_for_update
from app.models import CaseloadStandard
from app.schemas.caseload_standards import CaseloadStandard as CaseloadStandardSchema
from app.schemas.caseload_standards import CaseloadStandardSettings, CaseloadStandardUpdate

COLUMN_FIELDS = list(CaseloadStandardSchema.model_fields)
STANDARD_QUERY = ReadQuery(select(*(getattr(CaseloadStandard, name) for name in COLUMN_FIELDS)))
"""The table has one row."""
WEIGHT_SQL = """
    CASE c.risk_level WHEN 'high' THEN k.weight_high WHEN 'medium' THEN k.weight_medium WHEN 'low' THEN k.weight_low
         ELSE k.weight_unknown END::numeric
"""
"""The weight of the case `c` by the standard `k`."""


async def get_caseload_standard(reader: RecordReader) -> CaseloadStandardSchema:
    """Return the caseload standard."""
    return CaseloadStandardSchema(**(await reader.fetch_required(STANDARD_QUERY))._asdict())


async def update_caseload_standard(
    session: AsyncSession, expected_version: int, patch: CaseloadStandardUpdate
) -> CaseloadStandardSchema:
    """Change limits or weights.

    Raises:
        StaleVersion: the standard was changed since the caller read it.
    """
    only_id = select(col(CaseloadStandard.id)).scalar_subquery()
    standard = await get_version_for_update(session, CaseloadStandard, only_id, expected_version)
    document = standard.model_dump(include=set(CaseloadStandardSettings.model_fields))
    settings = apply_patch(CaseloadStandardSettings, document, patch)
    standard.cases_per_worker = settings.cases_per_worker
    standard.workers_per_supervisor = settings.workers_per_supervisor
    standard.weight_high, standard.weight_medium = settings.weight_high, settings.weight_medium
    standard.weight_low, standard.weight_unknown = settings.weight_low, settings.weight_unknown
    return await get_caseload_standard(await open_response_reader(session))
