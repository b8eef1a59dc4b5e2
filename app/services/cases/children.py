"""List, search, get and update children."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Uuid, bindparam, exists, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord, session_reader
from app.errors import Fault
from app.kit.case_scope import CaseScope, RowSelect, belongs_to_cases
from app.kit.dates import today
from app.kit.list_query import RELEVANCE, ListQuery, is_one_of
from app.kit.record_changes import record_field_changes
from app.kit.records import get_version_for_update
from app.kit.reference_names import person_name
from app.kit.search_matches import SearchMatches, get_match_parameters
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Child, Person
from app.models.contents import StoredChildIdentity
from app.models.encrypted_field import dump_content
from app.schemas.children import Child as ChildSchema
from app.schemas.children import ChildFilters, ChildList, ChildUpdate
from app.schemas.identity import ChildIdentity
from app.schemas.warnings import to_warnings
from app.services.cases import history as case_history
from app.services.cases import search
from app.services.cases.cases import build_age
from app.services.cases.write_access import check_works_with_child
from app.services.persons import person_details, places
from app.services.persons.contact_patch import apply_person_patch, get_first_phone
from app.services.persons.detail_warnings import list_detail_warnings

IDENTITY_FIELDS = [name for name in ChildIdentity.model_fields if name != "sex"]

CASE_REF = func.json_build_object(
    "id", col(Case.id),
    "number", col(Case.number),
    "status", col(Case.status),
    "lead_worker", func.json_build_object("id", col(Case.lead_worker_id), "name", person_name(col(Case.lead_worker_id))),
)  # fmt: skip
CHILD_COLUMNS: RowSelect = select(
    col(Child.id).label("child_id"),
    col(Child.version),
    col(Child.sex),
    col(Child.merged_into_id),
    col(Child.identity_encrypted),
    select(func.json_agg(aggregate_order_by(CASE_REF, col(Case.created_at).desc()), type_=JSON))
    .where(col(Case.child_id) == col(Child.id))
    .correlate(Child)
    .scalar_subquery()
    .label("cases"),
)
SHOWN_CHILD = ShownRecord("child", case_id=None, record_id="child_id")
# A row of a merged child contains the id of the child into which it was merged, so that the access log contains both.
CHILD_QUERY = ReadQuery(
    CHILD_COLUMNS.where(col(Child.id) == bindparam("child_id")),
    shows=[SHOWN_CHILD, ShownRecord("child", "merged_into_id", case_id=None, record_id="merged_into_id")],
)
MERGED_IDENTITIES_QUERY = ReadQuery(
    select(col(Child.id), col(Child.identity_encrypted)).where(
        col(Child.merged_into_id) == bindparam("child_id")
    ),
    shows=NoShownRecord("the names become search tokens of the child into which they were merged"),
)
# Without the people in cases that the caller cannot see, a change would remove their search tokens.
CONTACTS_SQL = text("SELECT * FROM access.list_searchable_contacts(:child)").bindparams(
    bindparam("child", type_=Uuid)
)
MATCHES = SearchMatches(col(Case.child_id))
EARLIER_CASE = aliased(Case)
IS_FIRST_CASE = ~exists().where(
    col(EARLIER_CASE.child_id) == col(Case.child_id),
    tuple_(EARLIER_CASE.created_at, EARLIER_CASE.id) < tuple_(col(Case.created_at), col(Case.id)),
)
"""Whether a case is the first one of its child that the caller can see."""
ANY_CASE = aliased(Case)
# The query reads cases, because the index on team and creation time is on that table. Each child is listed at its first
# visible case, so that a later case does not move the child to another page.
CHILDREN = ListQuery(
    "children",
    Case,
    CHILD_COLUMNS.add_columns(col(Case.id)).join(Case, col(Case.child_id) == col(Child.id)),
    condition=IS_FIRST_CASE,
    filters={
        "q": MATCHES.condition,
        "status": exists().where(
            col(ANY_CASE.child_id) == col(Case.child_id), is_one_of(col(ANY_CASE.status), "status")
        ),
        **{
            name: belongs_to_cases(
                col(Case.child_id), is_one_of(col(getattr(Case, name)), name), col(Case.child_id)
            )
            for name in ("team_id", "lead_worker_id")
        },
        "province_code": exists().where(
            col(Child.id) == col(Case.child_id), is_one_of(col(Child.province_code), "province_code")
        ),
    },
    sorts={
        "created_at": col(Case.created_at),
        RELEVANCE: MATCHES.distance,
    },
    scope=CaseScope(),
    shows=SHOWN_CHILD,
)


async def list_children(reader: RecordReader, caller: Caller, filters: ChildFilters) -> ChildList:
    """List the children that the caller can see, in the order of their first visible cases, newest first.

    `q` restricts the list to matching names and phone numbers.
    """
    parameters: dict[str, Any] = {}
    if filters.q is not None:
        parameters |= get_match_parameters(await search.find_matching_children(reader, caller, filters.q))
    page = await CHILDREN.fetch_page(reader, caller, filters, **parameters)
    return ChildList.from_trusted_items(await _build_items(reader, page.rows), **page.fields)


async def get_child(reader: RecordReader, child_id: UUID) -> ChildSchema:
    """Return a child.

    Raises:
        NotFound: The child does not exist or the caller cannot see it.
    """
    (fields,) = await _build_items(reader, [await reader.fetch_required(CHILD_QUERY, child_id=child_id)])
    return ChildSchema(**fields)


async def update_child(
    session: AsyncSession, caller: Caller, child_id: UUID, expected_version: int, payload: ChildUpdate
) -> ChildSchema:
    """Update a child and record the change in the history of each of its cases that the caller can see.

    Raises:
        GateRefused: The caller is not staff of any of the child's cases, or the child was merged into another record.
    """
    child = await get_version_for_update(session, Child, child_id, expected_version)
    raise_if_unmet(_check_not_merged(child) or await check_works_with_child(session, child.id))
    before = {**child.identity, "sex": child.sex}
    updated = apply_person_patch(ChildIdentity, before, payload)
    identity, _ = await person_details.normalize_person_details(session, updated)
    child.sex = identity.sex or "unknown"
    child.province_code = (identity.place_code or "")[:2] or None
    child.identity = dump_content(StoredChildIdentity, identity)
    child.has_birth = bool(child.identity["birth"])
    record_field_changes(session, caller, child, before, {**child.identity, "sex": child.sex})
    await refresh_child_search_tokens(session, child)
    for case in await session.scalars(select(Case).where(col(Case.child_id) == child.id)):
        case_history.record_case_history(session, case, "child_changed", caller, child)
    await session.flush()  # report a database error before the response is built
    return await get_child(session_reader(session), child.id)


def _check_not_merged(child: Child) -> list[Fault]:
    if child.merged_into_id is None:
        return []
    detail = "The child was merged into another record, which `merged_into_id` names. Change that record."
    return [Fault(None, "child_merged", detail)]


async def refresh_child_search_tokens(session: AsyncSession, child: Child) -> None:
    """Replace the search tokens of a child."""
    tokens = await _compute_search_tokens(session, child)
    await person_details.replace_search_tokens(session, child.id, "child", child.id, tokens)


async def remove_phone_search_tokens(session: AsyncSession, child: Child, numbers: Collection[str]) -> None:
    """Remove the search tokens of phone numbers in E.164 that neither the child nor a contact has."""
    kept = await _compute_search_tokens(session, child)
    await person_details.remove_phone_tokens(session, child.id, numbers, kept)


async def _compute_search_tokens(session: AsyncSession, child: Child) -> list[int]:
    """Return the search tokens of the identity of a child and of the phone numbers of its contacts.

    The contacts of all cases count, whoever is the caller. The identities of records that were merged into the child count
    too, so that a search for their names finds it.
    """
    rows = (await session.execute(CONTACTS_SQL, {"child": child.id})).all()
    contacts = [Person.details.decrypt(row.id, row.details_encrypted) for row in rows]
    tokens = set(person_details.hash_child_search_keys(child.identity, contacts))
    for row in await session_reader(session).fetch(MERGED_IDENTITIES_QUERY, child_id=child.id):
        identity = Child.identity.decrypt(row.id, row.identity_encrypted)
        tokens.update(person_details.hash_child_search_keys(identity))
    return sorted(tokens)


async def _build_items(reader: RecordReader, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the fields of children. One query loads the places of all of them."""
    identities = [Child.identity.decrypt(row.child_id, row.identity_encrypted) for row in rows]
    place_refs = await places.load_place_refs(reader, (identity["place_code"] for identity in identities))
    return [
        {
            **{name: identity.get(name) for name in IDENTITY_FIELDS},
            "phone": get_first_phone(identity),
            "warnings": to_warnings(list_detail_warnings(identity)),
            "id": row.child_id,
            "version": row.version,
            "sex": row.sex,
            "merged_into_id": row.merged_into_id,
            "age": build_age(identity["birth"], today()),
            "place": place_refs.get(identity["place_code"]),
            "languages": identity["languages"] or [],
            "case_ids": [case["id"] for case in row.cases or []],
            "cases": row.cases or [],
        }
        for row, identity in zip(rows, identities, strict=True)
    ]
