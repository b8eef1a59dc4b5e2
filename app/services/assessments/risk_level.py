"""The risk level of a case, which lists can filter and sort by."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Assessment
from app.services.assessments.states import APPROVE


async def get_child_risk_level(session: AsyncSession, case_id: UUID) -> str | None:
    """Return the risk level of the child's newest approved assessment, or None if there is none.

    Every act that changes which assessments are approved stores the result in `cases.risk_level`. The calling function
    must hold a lock on the case, and flush its change of the assessment first.
    """
    query = select(col(Assessment.risk_level)).where(
        col(Assessment.case_id) == case_id,
        col(Assessment.subject) == "child",
        col(Assessment.status) == APPROVE.target,
    )
    newest_first = query.order_by(col(Assessment.decided_at).desc(), col(Assessment.id).desc())
    risk_level: str | None = await session.scalar(newest_first.limit(1))
    return risk_level
