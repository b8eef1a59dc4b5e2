"""Loads the places of the gazetteer into the database, lists and searches them."""

from collections.abc import Iterable

import asyncpg
from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.models import Place
from app.schemas.reference import Place as PlaceSchema
from app.schemas.reference import PlaceDetails, PlaceFilters, PlaceList
from app.services.persons import gazetteer
from app.services.persons.name_normalization import canonical_form
from app.text_folding import Script

UPSERT_PLACES_SQL = """
    INSERT INTO places (code, parent_code, level, name_km, name_en, search_en, search_km)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    ON CONFLICT (code) DO UPDATE SET parent_code = excluded.parent_code, level = excluded.level,
        name_km = excluded.name_km, name_en = excluded.name_en, search_en = excluded.search_en,
        search_km = excluded.search_km
"""
CODE_LENGTHS = (2, 4, 6, 8)
"""Number of digits of the NCDD code of a province, district, commune and village. A code begins with that of its parent."""
CAPITAL_PREFIX_KM = "\u179a\u17b6\u1787\u1792\u17b6\u1793\u17b8"
"""Prefix of the Khmer name of Phnom Penh in the gazetteer ("capital"), which people omit in a search."""
SET_CHECKSUM_SQL = """
    INSERT INTO reference_data_versions (name, checksum) VALUES ('places', $1)
    ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum
"""


async def load_places(owner: asyncpg.Connection, checksum: str) -> int:
    """Insert or update all places of the gazetteer and return their number.

    `owner` is a connection of the database owner. `checksum` identifies the data files. It is stored, so that the next
    start loads the places again only if the files have changed.
    """
    gazetteer_places = list(gazetteer.load_gazetteer().places.values())
    await owner.execute(
        UPSERT_PLACES_SQL,
        [place.code for place in gazetteer_places],
        [place.parent_code for place in gazetteer_places],
        [place.level for place in gazetteer_places],
        [place.name_km for place in gazetteer_places],
        [place.name_en for place in gazetteer_places],
        [_build_search_key(place.name_en, "latin") for place in gazetteer_places],
        [_build_search_key(place.name_km, "khmer") for place in gazetteer_places],
    )
    await owner.execute(SET_CHECKSUM_SQL, checksum)
    return len(gazetteer_places)


PLACES_QUERY = ReadQuery(
    select(col(Place.code), col(Place.name_km), col(Place.name_en)).where(
        col(Place.code) == any_(bindparam("codes", type_=ARRAY(Text)))
    )
)


_place_codes: set[str] = set()
"""Codes of all places, cached per process. New data files are loaded only at a restart."""


async def get_place_codes(session: AsyncSession) -> set[str]:
    """Return the codes of all places."""
    if not _place_codes:
        _place_codes.update(await session.scalars(select(col(Place.code))))
    return _place_codes


async def load_place_refs(
    reader: RecordReader, codes: Iterable[str | None]
) -> dict[str | None, dict[str, str]]:
    """Return the references to places by code. Unknown codes are absent."""
    known_codes = {code for code in codes if code}
    if not known_codes:
        return {}
    rows = await reader.fetch(PLACES_QUERY, codes=list(known_codes))
    return {row.code: row._asdict() for row in rows}


async def list_places(session: AsyncSession, filters: PlaceFilters) -> PlaceList:
    """List places in order of their codes.

    `parent` selects the places directly inside a place. `q` selects the places whose name begins with it, in Khmer or
    Latin script. `codes` selects places by code; the page then contains all of them.
    """
    limit = max(filters.limit, len(filters.codes or ()))
    paginator = Paginator("places", limit, filters.cursor, filters.get_cursor_binding())
    query = select(Place).where(*_filter_conditions(filters))
    rows, cursor = await paginator.fetch_records(session, query, col(Place.code))
    return PlaceList(items=[_to_schema(place) for place in rows], next_cursor=cursor)


async def get_place(session: AsyncSession, code: str) -> PlaceDetails:
    """Return a place, with the path from its province.

    Raises:
        NotFound: no place has this code.
    """
    codes = [code[:length] for length in CODE_LENGTHS if length <= len(code)]
    query = select(Place).where(col(Place.code).in_(codes)).order_by(col(Place.code))
    path = [_to_schema(place) for place in await session.scalars(query)]
    if not path or path[-1].code != code:
        raise NotFound
    return PlaceDetails(**path[-1].model_dump(), path=path)


def _to_schema(place: Place) -> PlaceSchema:
    return PlaceSchema(**place.model_dump(exclude={"search_en", "search_km"}))


def _filter_conditions(filters: PlaceFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.parent is not None:
        conditions.append(col(Place.parent_code) == filters.parent)
    elif filters.q is None and filters.codes is None:
        conditions.append(col(Place.level) == "province")
    if filters.codes is not None:
        conditions.append(col(Place.code).in_(filters.codes))
    if filters.q is not None:
        latin_prefix = _build_search_key(filters.q, "latin")
        khmer_prefix = _build_search_key(filters.q, "khmer")
        prefixes = [
            (col(Place.search_en), latin_prefix),
            (col(Place.search_km), khmer_prefix),
            (col(Place.search_km), khmer_prefix and CAPITAL_PREFIX_KM + khmer_prefix),
        ]
        # A text without letters has an empty key, which would match every name. It matches no place instead.
        conditions.append(
            or_(false(), *(func.starts_with(column, prefix) for column, prefix in prefixes if prefix))
        )
    return conditions


def _build_search_key(name: str, script: Script) -> str:
    """Return the canonical spelling without spaces: the gazetteer has Siemreap, people write Siem Reap."""
    return canonical_form(name, script).replace(" ", "")
