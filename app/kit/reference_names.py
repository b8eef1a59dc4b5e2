"""SQL expressions for the names of staff, teams, agencies, funds and places, so that queries select names with ids.

Each is a scalar subquery on the primary key. The functions `…_ref` build the references of a response from an id and the
selected name.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, JSON, Label, ScalarSelect, Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader
from app.models import Agency, Case, Fund, Place, Provider, Team, User

STAFF_QUERY = ReadQuery(
    select(col(User.id), col(User.name)).where(col(User.id) == any_(bindparam("user_ids", type_=ARRAY(Uuid))))
)


def person_name(user_id: Any) -> ScalarSelect[str]:
    """Select the name of a user."""
    return select(col(User.name)).where(col(User.id) == user_id).scalar_subquery()


def staff_names(record: Any, *fields: str) -> list[Label[str]]:
    """Select the names of several users of a record: for the field `author`, the name of `author_id` as `author_name`."""
    return [person_name(col(getattr(record, f"{field}_id"))).label(f"{field}_name") for field in fields]


def team_name(team_id: Any) -> ScalarSelect[str]:
    """Select the name of a team."""
    return select(col(Team.name)).where(col(Team.id) == team_id).scalar_subquery()


def agency_name(agency_id: Any) -> ScalarSelect[str]:
    """Select the name of an agency."""
    return select(col(Agency.name)).where(col(Agency.id) == agency_id).scalar_subquery()


def case_number(case_id: Any) -> ScalarSelect[str]:
    """Select the number of a case. It is NULL if the caller cannot see the case."""
    return select(col(Case.number)).where(col(Case.id) == case_id).scalar_subquery()


def place_names(code: Any) -> ScalarSelect[Any]:
    """Select the names of a place as an array: in Khmer script, then in Latin script."""
    names = array([col(Place.name_km), col(Place.name_en)])
    return select(names).where(col(Place.code) == code).scalar_subquery()


def place_refs(codes: Any) -> ScalarSelect[Any]:
    """Select the references to the places of an array of codes, in the order of the codes, or NULL if there are none."""
    names = ("code", "name_km", "name_en")
    place = func.json_build_object(*(part for name in names for part in (name, getattr(Place, name))))
    places = func.json_agg(aggregate_order_by(place, col(Place.code)), type_=JSON)
    return select(places).where(col(Place.code) == any_(codes)).scalar_subquery()


def staff_refs(user_ids: Any) -> ScalarSelect[Any]:
    """Select the references to the users of an array of ids, by name, or NULL if there are none."""
    return _id_refs(User, user_ids)


def agency_refs(agency_ids: Any) -> ScalarSelect[Any]:
    """Select the references to the agencies of an array of ids, by name, or NULL if there are none."""
    return _id_refs(Agency, agency_ids)


def _id_refs(model: type[User] | type[Agency], ids: Any) -> ScalarSelect[Any]:
    ref = func.json_build_object("id", col(model.id), "name", col(model.name))
    refs = func.json_agg(aggregate_order_by(ref, col(model.name), col(model.id)), type_=JSON)
    return select(refs).where(col(model.id) == any_(ids)).scalar_subquery()


def fund_name(fund_id: Any) -> ScalarSelect[str]:
    """Select the name of a fund."""
    return select(col(Fund.name)).where(col(Fund.id) == fund_id).scalar_subquery()


def provider_name(provider_id: Any) -> ScalarSelect[str]:
    """Select the name of a service provider."""
    return select(col(Provider.name)).where(col(Provider.id) == provider_id).scalar_subquery()


def to_ref(record_id: str | None, name: str | None) -> dict[str, str | None] | None:
    """Return the reference to a user, team, agency, fund or provider of a response, or None without an id."""
    return None if record_id is None else {"id": record_id, "name": name}


def to_staff_refs(row: Any, *fields: str) -> dict[str, dict[str, str | None] | None]:
    """Return the references to the users of a row that was selected with `staff_names`, by field."""
    return {field: to_ref(getattr(row, f"{field}_id"), getattr(row, f"{field}_name")) for field in fields}


def to_case_ref(case_id: str, number: str | None) -> dict[str, str] | None:
    """Return the reference to a case of a response, or None if the caller cannot see the case."""
    return None if number is None else {"id": case_id, "number": number}


def to_place_ref(code: str | None, names: Sequence[str] | None) -> dict[str, str] | None:
    """Return the reference to a place of a response, or None without a code."""
    return None if code is None or names is None else {"code": code, "name_km": names[0], "name_en": names[1]}


async def fetch_staff_refs(
    reader: RecordReader, user_ids: Iterable[str]
) -> dict[str, dict[str, str | None] | None]:
    """Return the references to users by id, for ids that are encrypted and cannot be joined."""
    rows = await reader.fetch(STAFF_QUERY, user_ids=list(set(user_ids)))
    return {row.id: to_ref(row.id, row.name) for row in rows}
