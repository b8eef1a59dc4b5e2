"""The work that a person leaves, as numbers: for the answer to a deactivation and to a handover."""

from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Team
from app.schemas.handover import RemainingWork
from app.schemas.references import TeamRef

COUNT_FIELDS = [name for name in RemainingWork.model_fields if name != "only_supervisor_of"]
REMAINING_WORK_SQL = (
    text("SELECT * FROM access.count_remaining_work(:user_id)")
    .bindparams(bindparam("user_id", type_=Uuid))
    .columns(**dict.fromkeys(COUNT_FIELDS, Integer), team_ids=ARRAY(Uuid))
)


async def count_remaining_work(session: AsyncSession, user_id: UUID) -> RemainingWork:
    """Return how much work needs another person if the user cannot act. Flush the session first.

    The numbers contain nothing about a child, so that administrators can see them.
    """
    row = (await session.execute(REMAINING_WORK_SQL, {"user_id": user_id})).one()
    query = select(col(Team.id), col(Team.name)).where(col(Team.id).in_(row.team_ids))
    teams = (await session.execute(query.order_by(func.lower(col(Team.name))))).all()
    return RemainingWork(
        **{name: getattr(row, name) for name in COUNT_FIELDS},
        only_supervisor_of=[TeamRef(id=team.id, name=team.name) for team in teams],
    )
