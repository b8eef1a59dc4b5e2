"""The 18th birthdays of the children whose cases are on the agenda of a caller.

Birth dates are encrypted, and the agenda decrypts them: a column with the month of the birthday would reveal a part of the
birth date to a reader of a stolen backup. The birthdays of the caller's children are therefore computed from the decrypted
dates, and are parameters of the agenda query. The result is cached in memory by the ciphertext, so that a request decrypts
only what changed.
"""

from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, select

from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.kit.dates import BirthRange, get_birthday
from app.models import Child
from app.services.agenda.sources import AgendaRole, bind_parameters, build_case_ctes

MAJORITY = 18
"""Age in years."""
DAYS_LISTED_AFTERWARDS = 14
CHILDREN_SQL = """
WITH {cases}
SELECT c.id AS case_id, h.id AS child_id, h.identity_encrypted
  FROM worker_cases c JOIN children h ON h.id = c.child_id
 WHERE c.status <> 'closed'
"""


class Birthday(NamedTuple):
    """The earliest and the latest possible day of a birthday. An estimated one is announced until the latest day."""

    earliest: date
    latest: date


async def get_birthday_parameters(
    reader: RecordReader, caller_id: UUID, roles: Collection[AgendaRole], day: date
) -> dict[str, Any]:
    """Return the 18th birthdays that are not long past, with their cases, as parameters of the agenda query."""
    birthdays = {}
    if AgendaRole.worker in roles:
        for row in await reader.fetch(_build_children_query(tuple(roles)), caller_id=caller_id):
            birthday = _compute_birthday(row.child_id, row.identity_encrypted)
            if birthday is not None and birthday.latest >= day - timedelta(days=DAYS_LISTED_AFTERWARDS):
                birthdays[row.case_id] = max(birthday.earliest, min(day, birthday.latest))
    return {"birthday_case_ids": list(birthdays), "birthdays": list(birthdays.values())}


@lru_cache
def _build_children_query(roles: tuple[AgendaRole, ...]) -> ReadQuery:
    types = {"case_id": Uuid, "child_id": Uuid, "identity_encrypted": LargeBinary}
    case_roles = [role for role in roles if role in {AgendaRole.worker, AgendaRole.substitute}]
    children = bind_parameters(CHILDREN_SQL.format(cases=build_case_ctes(case_roles)), types)
    shows = NoShownRecord("only the days of birthdays that the agenda shows leave this module")
    return ReadQuery(select(*children.c), shows=shows)


@lru_cache(10_000)
def _compute_birthday(child_id: str, identity_encrypted: bytes) -> Birthday | None:
    """Return the 18th birthday, or None if the birth date is unknown."""
    details = Child.identity.decrypt(child_id, identity_encrypted)["birth"]
    if not details:
        return None
    birth = BirthRange.from_details(details)
    return Birthday(get_birthday(birth.earliest, MAJORITY), get_birthday(birth.latest, MAJORITY))
