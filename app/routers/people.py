"""Endpoints of the people around a child: supporter, family members, others."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import PersonCreator, PersonEditor, PersonReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.people import Person, PersonCreate, PersonFilters, PersonList, PersonUpdate
from app.services.cases import people

router = Router(tags=["people"])


@router.post("/cases/{case_id}/people", status_code=201)
async def create_case_person(
    caller: PersonCreator,
    session: Session,
    case_id: UUID,
    payload: PersonCreate,
) -> Person:
    """Add a person to a case.

    The person is a supporter, a family member or another person around the child. The caller must be staff of the case.
    """
    return await people.create_case_person(session, caller, case_id, payload)


@router.get("/cases/{case_id}/people")
async def list_case_people(
    caller: PersonReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[PersonFilters, Query()],
) -> PersonList:
    """List the people of a case, newest first.

    The people are the supporter, family members and others around the child.
    """
    return await people.list_case_people(reader, caller, case_id, filters)


@router.get("/people/{person_id}")
async def get_person(
    _caller: PersonReader,
    reader: Reader,
    person_id: UUID,
) -> Person:
    """Get a person.

    The person is visible to every caller who can see the case.
    """
    return await people.get_person(reader, person_id)


@router.patch("/people/{person_id}")
async def update_person(
    caller: PersonEditor,
    session: Session,
    person_id: UUID,
    expected_version: ExpectedVersion,
    payload: PersonUpdate,
) -> Person:
    """Update a person.

    The caller must be staff of the case. The last name of a person cannot be removed.
    """
    return await people.update_person(session, caller, person_id, expected_version, payload)


@router.post("/people/{person_id}/confirm")
async def confirm_person(
    caller: PersonEditor,
    session: Session,
    person_id: UUID,
    expected_version: ExpectedVersion,
) -> Person:
    """Confirm a person that a joined referral added.

    A referral that joins an open case adds its caregiver to the people of the case, or unknown names and phones to a person
    with a similar name. `referral_to_confirm_id` is the id of the referral until staff confirm or correct the person.
    """
    return await people.confirm_person(session, caller, person_id, expected_version)
