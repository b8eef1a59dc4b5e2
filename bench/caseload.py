"""An invented caseload: the same children for every program, sealed for First Step, in clear for `plain`."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.access.encryption import Sealer
from app.access.vault import vault
from app.services.persons import gazetteer
from app.services.persons import person_details as telling

FAMILIES = (
    ("សុខ", "Sok"), ("ជា", "Chea"), ("ចាន់", "Chan"), ("កែវ", "Keo"), ("លី", "Ly"), ("ហេង", "Heng"), ("ម៉ៅ", "Mao"),
    ("នួន", "Nuon"), ("ផល", "Phal"), ("រស់", "Ros"), ("សៅ", "Sao"), ("ទេព", "Tep"), ("យឹម", "Yim"), ("អ៊ុក", "Ouk"),
)  # fmt: skip
GIVEN = (
    ("វិចិត្រ", "Vichet"), ("សុភា", "Sophea"), ("បូរ៉ា", "Bora"), ("ដារ៉ា", "Dara"), ("ស្រីមុំ", "Srey Mom"), ("រតនា", "Rattana"),
    ("ពិសី", "Pisey"), ("សំណាង", "Samnang"), ("វណ្ណា", "Vanna"), ("ធារី", "Theary"), ("មករា", "Makara"), ("ចន្ថា", "Chantha"),
    ("កញ្ញា", "Kanha"), ("វីរៈ", "Virak"), ("បុប្ផា", "Bopha"), ("សុវណ្ណ", "Sovann"), ("លក្ខិណា", "Leakhena"),
)  # fmt: skip
SUMMARY = (
    "ក្មេងរស់នៅជាមួយជីដូន ហើយចាប់ផ្តើមត្រឡប់ទៅសាលារៀនវិញ។ Lives with the grandmother since the safe house; sleeps badly before "
    "court dates, draws and plays again. The supporter keeps the safety plan on the wall and calls when worried. School "
    "knows only that the child may leave class. Next: visit before the hearing, ask the clinic for the follow-up, see the "
    "brother's school about fees. Never call the shared phone in the evening; the neighbour may be reached in the morning. "
    "The mother works away until the harvest and rings on Sundays. The child asked that the teacher be told nothing more, "
    "and wants to go on with football; the coach was met and is kind."
)
KINDS = ("survivor", "survivor", "survivor", "hsb", "both")
STATUSES = ("assessment", "planning", "active", "active", "active", "exiting", "closed")
PROVINCES = ("01", "02", "03", "08", "12", "17", "21")
RECORD = ("id", "created_at", "version")

Row = tuple[Any, ...]
Columns = tuple[str, ...]


@dataclass(slots=True)
class Organisation:
    """Four teams of ten workers, a supervisor of the first team, a manager of all, a partner agency's system."""

    draw: random.Random
    teams: list[UUID] = field(init=False)
    workers: list[UUID] = field(init=False)
    supervisor: UUID = field(init=False)
    manager: UUID = field(init=False)
    agency: UUID = field(init=False)
    client: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.teams = [self.new_id() for _ in range(4)]
        self.workers = [self.new_id() for _ in range(40)]
        self.supervisor, self.manager, self.agency, self.client = (self.new_id() for _ in range(4))

    def new_id(self) -> UUID:
        """A random id: version 4, but the same ones in every run."""
        return UUID(int=self.draw.getrandbits(128), version=4)

    def team_of(self, worker: int) -> UUID:
        """The team of the worker with this number."""
        return self.teams[worker % len(self.teams)]


@dataclass(frozen=True, slots=True)
class Story:
    """One child, the referral that told of it, its case and the person beside it."""

    number: int
    child_id: UUID
    referral_id: UUID
    case_id: UUID
    person_id: UUID
    worker: int
    co_worker: int | None
    kind: str
    status: str
    opened_at: datetime
    child: dict[str, Any]
    told: dict[str, Any]
    summary: str


def stories(organisation: Organisation, count: int) -> Iterator[Story]:
    """Invent `count` children, the oldest case first; every third case has a co-worker.

    The first worker, who is the one that asks, has 25 cases; the others share the rest.
    """
    draw, new_id, others = organisation.draw, organisation.new_id, len(organisation.workers) - 1
    first = datetime.now(UTC) - timedelta(days=730)
    for number in range(1, count + 1):
        worker = 1 + number % others if number % (count // 25) else 0
        told = telling_of(draw, number)
        yield Story(
            number=number, child_id=new_id(), referral_id=new_id(), case_id=new_id(), person_id=new_id(), worker=worker,
            co_worker=None if number % 3 else 1 + (worker + len(organisation.teams) - 1) % others,
            kind=draw.choice(KINDS), status=draw.choice(STATUSES),
            opened_at=first + timedelta(days=729) * (number / count), child=told["child"], told=told,
            summary=SUMMARY[draw.randrange(40) :],
        )  # fmt: skip


def telling_of(draw: random.Random, number: int) -> dict[str, Any]:
    """Invent what a partner tells of a child: the body of a referral but for its external_id."""
    family, given = draw.choice(FAMILIES), draw.choice(GIVEN)
    place = draw.choice(PROVINCES)
    phone = {"number": f"+8551{number % 10_000_000:07d}", "owner": "family", "safe_to_call": True}
    names = [
        {"script": "khmer", "family": family[0], "given": given[0]},
        {"script": "latin", "family": family[1], "given": given[1]},
    ]
    born = date(2010, 1, 1) + timedelta(days=draw.randrange(3650))
    mother = {
        "names": [{"script": "khmer", "family": family[0], "given": "ស្រីមុំ"}], "relationship": "mother", "phone": phone,
        "place_code": place, "address_detail": None, "knows_of_referral": True,
    }  # fmt: skip
    return {
        "urgency": draw.choice(("routine", "urgent")),
        "concern": {
            "kind": "survivor", "summary": SUMMARY, "occurred_on": None, "period": "over several months",
            "child_is_safe_now": True, "reported_to": ["commune_committee", "police"],
        },
        "child": {
            "names": names, "nickname": given[1][:4], "sex": draw.choice(("male", "female")), "gender_identity": None,
            "birth": {"date": born.isoformat(), "precision": "month", "estimated_age": None, "estimated_on": None},
            "place_code": place, "address_detail": "Behind the pagoda, third house", "phone": phone, "languages": ["km"],
            "disability": {"has_difficulty": False, "difficulties": {}, "note": None},
            "school": {"status": "attending", "grade": "4", "name": None}, "idpoor": None,
        },
        "caregiver": mother,
        "referrer": {"name": "Duty", "position": "social worker", "phone": "+85510222333", "email": "duty@partner.example"},
        "consent": {
            "given_by": ["child", "caregiver"], "method": "thumbprint", "on": "2026-01-10",
            "scope": ["services", "share_with_fsc"], "witness": None, "basis_without_consent": None,
        },
        "services_already_given": ["medical", "shelter"],
        "documents": [],
    }  # fmt: skip


async def fill_first_step(
    connection: asyncpg.Connection, organisation: Organisation, told: list[Story]
) -> None:
    """Copy everything into First Step's own tables, sealed as the product seals it.

    `connection` is the admin's: row security does not hold for it, and nobody measures it.
    """
    now = datetime.now(UTC)
    places = [
        (p.code, p.parent_code, p.level, p.name_km, p.name_en, p.name_en.lower())
        for p in gazetteer.load().places.values()
    ]
    await _copy(
        connection, "places", ("code", "parent_code", "level", "name_km", "name_en", "search_en"), places
    )
    await _copy_organisation(connection, organisation, now)
    sealed = _Sealed(organisation, vault().sealer)
    await _copy(connection, "children", (*RECORD, "sex", "province_code", "sealed"), map(sealed.child, told))
    await _copy(connection, "cases", CASE_COLUMNS, map(sealed.case, told))
    await _copy(connection, "referrals", REFERRAL_COLUMNS, map(sealed.referral, told))
    await _copy(connection, "people", PERSON_COLUMNS, map(sealed.person, told))
    co_workers = [
        (s.case_id, organisation.workers[s.co_worker], s.child_id, now)
        for s in told
        if s.co_worker is not None
    ]
    await _copy(connection, "case_workers", ("case_id", "user_id", "child_id", "since"), co_workers)
    tokens = (row for s in told for row in _tokens(s))
    await _copy(connection, "name_tokens", ("owner_id", "token", "kind", "child_id"), tokens)
    await connection.execute("VACUUM ANALYZE")


async def _copy(connection: asyncpg.Connection, table: str, columns: Columns, rows: Iterable[Row]) -> None:
    await connection.copy_records_to_table(table, columns=columns, records=rows)


async def _copy_organisation(connection: asyncpg.Connection, chosen: Organisation, now: datetime) -> None:
    agencies = [(chosen.agency, now, 1, "Healing Wings", "partner", True)]
    teams = [(team, now, 1, f"Team {number}", True) for number, team in enumerate(chosen.teams)]
    await _copy(connection, "agencies", (*RECORD, "name", "kind", "is_active"), agencies)
    await _copy(connection, "teams", (*RECORD, "name", "is_active"), teams)
    people = [
        *((worker, ["social_worker"]) for worker in chosen.workers),
        (chosen.supervisor, ["supervisor"]),
        (chosen.manager, ["programme_manager"]),
    ]
    users = [(user, now, 1, f"{user}@bench.example", "Somebody", roles, True) for user, roles in people]
    await _copy(connection, "users", (*RECORD, "email", "name", "roles", "is_active"), users)
    members = [(chosen.team_of(number), worker, False) for number, worker in enumerate(chosen.workers)]
    members.append((chosen.teams[0], chosen.supervisor, True))
    await _copy(connection, "team_members", ("team_id", "user_id", "is_supervisor"), members)
    clients = [(chosen.client, now, 1, chosen.agency, "Case system", ["referrals"], True)]
    await _copy(connection, "api_clients", (*RECORD, "agency_id", "name", "scopes", "is_active"), clients)


CASE_COLUMNS = (
    *RECORD, "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "referral_id", "opened_on", "closed_on",
    "next_review_on", "age_at_referral_min", "age_at_referral_max", "province_code", "updated_at", "sealed",
)  # fmt: skip
REFERRAL_COLUMNS = (
    *RECORD, "child_id", "case_id", "agency_id", "team_id", "external_id", "tracking_number", "source", "urgency",
    "concern_kind", "status", "received_at", "updated_at", "province_code", "sealed",
)  # fmt: skip
PERSON_COLUMNS = (*RECORD, "child_id", "case_id", "role", "relationship", "is_responsible", "sealed")


@dataclass(frozen=True, slots=True)
class _Sealed:
    """Rows of First Step's tables."""

    organisation: Organisation
    sealer: Sealer

    def child(self, s: Story) -> Row:
        identity = {name: value for name, value in s.child.items() if name != "sex"}
        sealed = self.sealer.seal(identity, table="children", column="sealed", row=s.child_id)
        return (s.child_id, s.opened_at, 1, s.child["sex"], s.child["place_code"], sealed)

    def case(self, s: Story) -> Row:
        sealed = self.sealer.seal({"summary": s.summary}, table="cases", column="sealed", row=s.case_id)
        return (
            s.case_id, s.opened_at, 1, case_number(s), s.child_id, s.kind, s.status, self.organisation.team_of(s.worker),
            self.organisation.workers[s.worker], s.referral_id, *days(s), 9, 10, s.child["place_code"], s.opened_at, sealed,
        )  # fmt: skip

    def referral(self, s: Story) -> Row:
        sealed = self.sealer.seal(s.told, table="referrals", column="sealed", row=s.referral_id)
        return (
            s.referral_id, s.opened_at, 1, s.child_id, s.case_id, self.organisation.agency,
            self.organisation.team_of(s.worker), f"old-{s.number}", f"R-OLD-{s.number:05d}", "api", s.told["urgency"],
            s.told["concern"]["kind"], "accepted", s.opened_at, s.opened_at, s.child["place_code"], sealed,
        )  # fmt: skip

    def person(self, s: Story) -> Row:
        sealed = self.sealer.seal(s.told["caregiver"], table="people", column="sealed", row=s.person_id)
        return (s.person_id, s.opened_at, 1, s.child_id, s.case_id, "supporter", "mother", True, sealed)


def case_number(s: Story) -> str:
    """The number on the file."""
    return f"FSC-{s.opened_at.year}-{s.number:05d}"


def days(s: Story) -> tuple[date, date | None, date | None]:
    """When the case was opened, was closed, and is looked at next."""
    opened = s.opened_at.date()
    closed = opened + timedelta(days=300) if s.status == "closed" else None
    return opened, closed, None if closed else opened + timedelta(days=90)


def _tokens(s: Story) -> list[Row]:
    tokens = telling.tokens_of([s.child])
    owners = ((s.child_id, "child"), (s.referral_id, "referral"))
    return [(owner, token, kind, s.child_id) for owner, kind in owners for token in tokens]


async def fill_plain(connection: asyncpg.Connection, organisation: Organisation, told: list[Story]) -> None:
    """Copy the same caseload, in clear, into the tables that `plain` made for itself."""
    users = [
        *(
            (worker, f"w{n}@bench.example", "social_worker", organisation.team_of(n), None)
            for n, worker in enumerate(organisation.workers)
        ),
        (organisation.supervisor, "s@bench.example", "supervisor", organisation.teams[0], None),
        (organisation.client, "p@bench.example", "partner", None, organisation.agency),
    ]
    await _copy(connection, "users", ("id", "email", "role", "team_id", "agency_id"), users)
    await _copy(
        connection, "children", ("id", "sex", "nickname", "birth_date", "names"), map(_plain_child, told)
    )
    in_clear = _in_clear(organisation)
    await _copy(connection, "cases", PLAIN_CASE_COLUMNS, map(in_clear, told))
    await connection.execute("VACUUM ANALYZE")


PLAIN_CASE_COLUMNS = (
    "id", "version", "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "co_worker_ids", "referral_id",
    "opened_on", "closed_on", "next_review_on", "age_at_referral_min", "age_at_referral_max", "province_code", "summary",
    "created_at", "updated_at",
)  # fmt: skip


def _plain_child(s: Story) -> Row:
    born = date.fromisoformat(s.child["birth"]["date"])
    return (s.child_id, s.child["sex"], s.child["nickname"], born, json.dumps(s.child["names"]))


def _in_clear(chosen: Organisation) -> Callable[[Story], Row]:
    def case(s: Story) -> Row:
        others = [] if s.co_worker is None else [chosen.workers[s.co_worker]]
        return (
            s.case_id, 1, case_number(s), s.child_id, s.kind, s.status, chosen.team_of(s.worker), chosen.workers[s.worker],
            others, s.referral_id, *days(s), 9, 10, s.child["place_code"], s.summary, s.opened_at, s.opened_at,
        )  # fmt: skip

    return case
