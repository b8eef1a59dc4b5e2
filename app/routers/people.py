"""The people around a child."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.circle import PersonCreation, PersonOut, PersonPatch
from app.schemas.wire import Page, PageQuery
from app.services.cases import people

router = Router(tags=["people"])


@router.post("/cases/{case_id}/people", status_code=201)
async def add(
    actor: Annotated[Actor, Depends(Requires(Permission.person_add))],
    session: Session,
    case_id: UUID,
    body: PersonCreation,
) -> PersonOut:
    """Add somebody to the child's circle."""
    return await people.add(session, actor, case_id, body)


@router.get("/cases/{case_id}/people")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.person_read))],
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[PersonOut]:
    """List the child's circle, newest first."""
    return await people.listed(session, actor, case_id, page)


@router.get("/people/{person_id}")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.person_read))],  # noqa: ARG001 - the door
    session: Session,
    person_id: UUID,
) -> PersonOut:
    """Read one person."""
    return await people.read(session, person_id)


@router.patch("/people/{person_id}")
async def change(
    actor: Annotated[Actor, Depends(Requires(Permission.person_change))],
    session: Session,
    person_id: UUID,
    seen: Seen,
    body: PersonPatch,
) -> PersonOut:
    """Correct what is known of a person."""
    return await people.change(session, actor, person_id, seen, body)
