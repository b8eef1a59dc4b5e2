"""Places by their NCDD codes: loaded from the gazetteer that came as a package, browsed and searched by everybody."""

import asyncpg
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.pagination import Paginator
from app.models import Place
from app.schemas.reference import Place as PlaceSchema
from app.schemas.reference import PlaceFilters, PlaceList
from app.services.persons import gazetteer
from app.services.persons import name_matching as names

UPSERT_PLACES_SQL = """
    INSERT INTO places (code, parent_code, level, name_km, name_en, search_en)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    ON CONFLICT (code) DO UPDATE SET parent_code = excluded.parent_code, level = excluded.level,
        name_km = excluded.name_km, name_en = excluded.name_en, search_en = excluded.search_en
"""
CAPITAL_PREFIX_KM = "\u179a\u17b6\u1787\u1792\u17b6\u1793\u17b8"
"""What the gazetteer calls Phnom Penh in Khmer begins with its title, which people leave out."""
SET_EDITION_SQL = """
    INSERT INTO reference_data_versions (name, checksum) VALUES ('places', $1)
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum
"""


async def load_places(owner: asyncpg.Connection, edition: str) -> int:
    """Write the gazetteer into the database, as its owner; again and again without harm. Returns how many places."""
    known = list(gazetteer.load_gazetteer().places.values())
    await owner.execute(
        UPSERT_PLACES_SQL,
        [place.code for place in known],
        [place.parent_code for place in known],
        [place.level for place in known],
        [place.name_km for place in known],
        [place.name_en for place in known],
        [_search_key(place.name_en) for place in known],
    )
    await owner.execute(SET_EDITION_SQL, edition)
    return len(known)


_province_and_district_codes: set[str] = set()
"""Codes of provinces and districts, read once a process: another edition of the gazetteer comes with a restart."""


async def get_province_and_district_codes(session: AsyncSession) -> set[str]:
    """Return the codes of all provinces and districts."""
    if not _province_and_district_codes:
        query = select(col(Place.code)).where(col(Place.level).in_(["province", "district"]))
        _province_and_district_codes.update(await session.scalars(query))
    return _province_and_district_codes


async def list_places(session: AsyncSession, filters: PlaceFilters) -> PlaceList:
    """List places by code: those of a parent, or those whose name in either script begins with `q`."""
    paging = Paginator("places", filters.limit, filters.cursor, {"parent": filters.parent, "q": filters.q})
    query = select(Place).where(*_filter_conditions(filters))
    rows, cursor = await paging.fetch_records(session, query, col(Place.code), ascending=True)
    return PlaceList(
        items=[PlaceSchema(**place.model_dump(exclude={"search_en"})) for place in rows], next_cursor=cursor
    )


def _filter_conditions(filters: PlaceFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.parent is not None:
        found.append(col(Place.parent_code) == filters.parent)
    elif filters.q is None:
        found.append(col(Place.level) == "province")
    if filters.q is not None:
        latin, khmer = _search_key(filters.q), names.normalize_text(filters.q)
        begun = [
            (col(Place.search_en), latin),
            (col(Place.name_km), khmer),
            (col(Place.name_km), khmer and CAPITAL_PREFIX_KM + khmer),
        ]
        # Every name begins with nothing: a text of signs only finds nothing.
        found.append(or_(false(), *(func.starts_with(name, text) for name, text in begun if text)))
    return found


def _search_key(name: str) -> str:
    """Latin spelling without spaces: the gazetteer writes Siemreap, people write Siem Reap."""
    return names.canonical_form(name, "latin").replace(" ", "")
