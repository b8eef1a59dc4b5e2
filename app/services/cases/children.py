"""List, search, get and update children."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.caller import Caller
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Child, NameToken, Person
from app.models.contents import StoredChildIdentity
from app.models.encrypted_field import dump_content
from app.models.people import StoredPersonDetails
from app.schemas.children import Child as ChildSchema
from app.schemas.children import ChildFilters, ChildList, ChildUpdate
from app.schemas.identity import ChildIdentity
from app.services.cases import history as case_history
from app.services.cases.cases import get_age_today
from app.services.cases.write_access import check_works_with_child
from app.services.persons import name_matching, person_details

MAX_NAME_CANDIDATES = 500
"""Maximum number of candidates that one search compares in memory."""


async def list_children(session: AsyncSession, caller: Caller, filters: ChildFilters) -> ChildList:
    """List the children that the caller can see, newest first; `q` restricts the list to matching names."""
    paginator = Paginator("children", filters.limit, filters.cursor, {"q": filters.q, "for": caller.id})
    query = select(Child)
    if filters.q is not None:
        query = query.where(col(Child.id).in_(await _find_matching_child_ids(session, filters.q)))
    rows, cursor = await paginator.fetch_records(session, query, col(Child.created_at), col(Child.id))
    cases = await _load_case_ids(session, [child.id for child in rows])
    return ChildList(items=[_to_schema(child, cases.get(child.id, [])) for child in rows], next_cursor=cursor)


async def _find_matching_child_ids(session: AsyncSession, q: str) -> list[UUID]:
    """Return the ids of the matching children.

    The candidates are not loaded as ORM objects, so that only the matching children get an entry in the access log.
    """
    tokens = person_details.hash_search_keys(name_matching.search_query_keys(q))
    candidates = (
        select(col(NameToken.owner_id))
        .where(col(NameToken.token).in_(tokens), col(NameToken.kind) == "child")
        .group_by(col(NameToken.owner_id))
        .order_by(func.count().desc())
        .limit(MAX_NAME_CANDIDATES)
    )
    query = select(col(Child.id), col(Child.identity_encrypted)).where(col(Child.id).in_(candidates))
    query = query.execution_options(**log.UNRECORDED_READ)
    matching_ids = []
    for child_id, ciphertext in (await session.execute(query)).all():
        identity = Child.identity.decrypt(child_id, ciphertext)
        if name_matching.search_query_similarity(q, identity["names"], identity["nickname"]) > 0:
            matching_ids.append(child_id)
    return matching_ids


async def _load_case_ids(session: AsyncSession, child_ids: list[UUID]) -> dict[UUID, list[UUID]]:
    query = select(col(Case.child_id), col(Case.id)).where(col(Case.child_id).in_(child_ids))
    case_ids: dict[UUID, list[UUID]] = {}
    for child_id, case_id in await session.execute(query.order_by(col(Case.created_at).desc())):
        case_ids.setdefault(child_id, []).append(case_id)
    return case_ids


async def get_child(session: AsyncSession, child_id: UUID) -> ChildSchema:
    """Return a child."""
    return await _load_schema(session, await get_record(session, Child, child_id))


async def update_child(
    session: AsyncSession, caller: Caller, child_id: UUID, expected_version: int, payload: ChildUpdate
) -> ChildSchema:
    """Update a child and record the change in the history of each of its cases that the caller can see.

    Raises:
        GateRefused: The caller is not staff of any of the child's cases.
    """
    child = await get_version_for_update(session, Child, child_id, expected_version)
    raise_if_unmet(await check_works_with_child(session, child.id))
    updated = apply_patch(ChildIdentity, {**child.identity, "sex": child.sex}, payload)
    identity = await person_details.normalize_person_details(session, updated)
    child.sex = identity.sex or "unknown"
    child.province_code = (identity.place_code or "")[:2] or None
    child.identity = dump_content(StoredChildIdentity, identity)
    search_keys = person_details.get_child_search_keys(
        child.identity, await _load_people_details(session, child.id)
    )
    await person_details.replace_search_tokens(session, child.id, "child", child.id, search_keys)
    for case in await session.scalars(select(Case).where(col(Case.child_id) == child.id)):
        case_history.record_case_history(session, case, "child_changed", caller, child)
    await session.flush()  # report a database error before the response is built
    return await _load_schema(session, child)


async def _load_people_details(session: AsyncSession, child_id: UUID) -> list[StoredPersonDetails]:
    """Return the decrypted details of the people around a child, as far as the caller can see them."""
    query = select(col(Person.id), col(Person.details_encrypted)).where(col(Person.child_id) == child_id)
    rows = await session.execute(query.execution_options(**log.UNRECORDED_READ))
    return [Person.details.decrypt(person_id, ciphertext) for person_id, ciphertext in rows]


async def _load_schema(session: AsyncSession, child: Child) -> ChildSchema:
    cases = await _load_case_ids(session, [child.id])
    return _to_schema(child, cases.get(child.id, []))


def _to_schema(child: Child, case_ids: list[UUID]) -> ChildSchema:
    identity = child.identity
    fields = {name: identity.get(name) for name in ChildIdentity.model_fields if name != "sex"}
    return ChildSchema(
        id=child.id,
        version=child.version,
        sex=child.sex,
        age=get_age_today(identity),
        case_ids=case_ids,
        **{**fields, "languages": fields["languages"] or []},
    )
