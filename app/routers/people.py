"""The people around a child."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import PersonCreator, PersonEditor, PersonReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.people import Person, PersonCreate, PersonUpdate
from app.schemas.wire import Page, PageQuery
from app.services.cases import people

router = Router(tags=["people"])


@router.post("/cases/{case_id}/people", status_code=201)
async def create_case_person(
    caller: PersonCreator,
    session: Session,
    case_id: UUID,
    payload: PersonCreate,
) -> Person:
    """Add somebody to the child's circle."""
    return await people.create_case_person(session, caller, case_id, payload)


@router.get("/cases/{case_id}/people")
async def list_case_people(
    caller: PersonReader,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[Person]:
    """List the child's circle, newest first."""
    return await people.list_case_people(session, caller, case_id, page)


@router.get("/people/{person_id}")
async def get_person(
    caller: PersonReader,  # noqa: ARG001 - the door
    session: Session,
    person_id: UUID,
) -> Person:
    """Read one person."""
    return await people.get_person(session, person_id)


@router.patch("/people/{person_id}")
async def update_person(
    caller: PersonEditor,
    session: Session,
    person_id: UUID,
    expected_version: ExpectedVersion,
    payload: PersonUpdate,
) -> Person:
    """Correct what is known of a person."""
    return await people.update_person(session, caller, person_id, expected_version, payload)
