"""An invented caseload: the same children for every program, sealed for First Step, in clear for `plain`."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.access.encryption import Cipher
from app.access.vault import get_vault
from app.models.referrals import StoredReferralChild
from app.services.persons import gazetteer, person_details

FAMILY_NAMES = (
    ("សុខ", "Sok"), ("ជា", "Chea"), ("ចាន់", "Chan"), ("កែវ", "Keo"), ("លី", "Ly"), ("ហេង", "Heng"), ("ម៉ៅ", "Mao"),
    ("នួន", "Nuon"), ("ផល", "Phal"), ("រស់", "Ros"), ("សៅ", "Sao"), ("ទេព", "Tep"), ("យឹម", "Yim"), ("អ៊ុក", "Ouk"),
)  # fmt: skip
GIVEN_NAMES = (
    ("វិចិត្រ", "Vichet"), ("សុភា", "Sophea"), ("បូរ៉ា", "Bora"), ("ដារ៉ា", "Dara"), ("ស្រីមុំ", "Srey Mom"), ("រតនា", "Rattana"),
    ("ពិសី", "Pisey"), ("សំណាង", "Samnang"), ("វណ្ណា", "Vanna"), ("ធារី", "Theary"), ("មករា", "Makara"), ("ចន្ថា", "Chantha"),
    ("កញ្ញា", "Kanha"), ("វីរៈ", "Virak"), ("បុប្ផា", "Bopha"), ("សុវណ្ណ", "Sovann"), ("លក្ខិណា", "Leakhena"),
)  # fmt: skip
SUMMARY_TEXT = (
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
RECORD_COLUMNS = ("id", "created_at", "version")

Row = tuple[Any, ...]
Columns = tuple[str, ...]


@dataclass(slots=True)
class Organisation:
    """Four teams of ten workers, a supervisor of the first team, a manager of all, a partner agency's system."""

    rng: random.Random
    team_ids: list[UUID] = field(init=False)
    worker_ids: list[UUID] = field(init=False)
    supervisor_id: UUID = field(init=False)
    manager_id: UUID = field(init=False)
    agency_id: UUID = field(init=False)
    api_client_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        self.team_ids = [self.generate_id() for _ in range(4)]
        self.worker_ids = [self.generate_id() for _ in range(40)]
        self.supervisor_id, self.manager_id, self.agency_id, self.api_client_id = (
            self.generate_id() for _ in range(4)
        )

    def generate_id(self) -> UUID:
        """A random id: version 4, but the same ones in every run."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def get_team_id(self, worker: int) -> UUID:
        """The team of the worker with this number."""
        return self.team_ids[worker % len(self.team_ids)]


@dataclass(frozen=True, slots=True)
class InventedCase:
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
    child: StoredReferralChild
    referral: dict[str, Any]
    summary: str


def generate_cases(organisation: Organisation, count: int) -> Iterator[InventedCase]:
    """Invent `count` children, the oldest case first; every third case has a co-worker.

    The first worker, who is the one that asks, has 25 cases; the others share the rest.
    """
    draw, new_id, others = organisation.rng, organisation.generate_id, len(organisation.worker_ids) - 1
    first = datetime.now(UTC) - timedelta(days=730)
    for number in range(1, count + 1):
        worker = 1 + number % others if number % (count // 25) else 0
        told = generate_referral(draw, number)
        yield InventedCase(
            number=number, child_id=new_id(), referral_id=new_id(), case_id=new_id(), person_id=new_id(), worker=worker,
            co_worker=None if number % 3 else 1 + (worker + len(organisation.team_ids) - 1) % others,
            kind=draw.choice(KINDS), status=draw.choice(STATUSES),
            opened_at=first + timedelta(days=729) * (number / count), child=told["child"], referral=told,
            summary=SUMMARY_TEXT[draw.randrange(40) :],
        )  # fmt: skip


def generate_referral(draw: random.Random, number: int) -> dict[str, Any]:
    """Invent what a partner tells of a child: the body of a referral but for its external_id."""
    family, given = draw.choice(FAMILY_NAMES), draw.choice(GIVEN_NAMES)
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
            "kind": "survivor", "summary": SUMMARY_TEXT, "occurred_on": None, "period": "over several months",
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
    connection: asyncpg.Connection, organisation: Organisation, told: list[InventedCase]
) -> None:
    """Copy everything into First Step's own tables, sealed as the product seals it.

    `connection` is the admin's: row security does not hold for it, and nobody measures it.
    """
    now = datetime.now(UTC)
    places = [
        (p.code, p.parent_code, p.level, p.name_km, p.name_en, p.name_en.lower())
        for p in gazetteer.load_gazetteer().places.values()
    ]
    await _copy_rows(
        connection, "places", ("code", "parent_code", "level", "name_km", "name_en", "search_en"), places
    )
    await _copy_organisation(connection, organisation, now)
    sealed = _FirstStepRows(organisation, get_vault().cipher)
    await _copy_rows(
        connection,
        "children",
        (*RECORD_COLUMNS, "sex", "province_code", "identity_encrypted"),
        map(sealed.build_child, told),
    )
    await _copy_rows(connection, "cases", CASE_COLUMNS, map(sealed.build_case, told))
    await _copy_rows(connection, "referrals", REFERRAL_COLUMNS, map(sealed.build_referral, told))
    await _copy_rows(connection, "people", PERSON_COLUMNS, map(sealed.build_person, told))
    co_workers = [
        (s.case_id, organisation.worker_ids[s.co_worker], s.child_id, now)
        for s in told
        if s.co_worker is not None
    ]
    await _copy_rows(connection, "case_workers", ("case_id", "user_id", "child_id", "since"), co_workers)
    tokens = (row for s in told for row in _build_name_tokens(s))
    await _copy_rows(connection, "name_tokens", ("owner_id", "token", "kind", "child_id"), tokens)
    await connection.execute("VACUUM ANALYZE")


async def _copy_rows(
    connection: asyncpg.Connection, table: str, columns: Columns, rows: Iterable[Row]
) -> None:
    await connection.copy_records_to_table(table, columns=columns, records=rows)


async def _copy_organisation(connection: asyncpg.Connection, chosen: Organisation, now: datetime) -> None:
    agencies = [(chosen.agency_id, now, 1, "Healing Wings", "partner", True)]
    teams = [(team, now, 1, f"Team {number}", True) for number, team in enumerate(chosen.team_ids)]
    await _copy_rows(connection, "agencies", (*RECORD_COLUMNS, "name", "kind", "is_active"), agencies)
    await _copy_rows(connection, "teams", (*RECORD_COLUMNS, "name", "is_active"), teams)
    people = [
        *((worker, ["social_worker"]) for worker in chosen.worker_ids),
        (chosen.supervisor_id, ["supervisor"]),
        (chosen.manager_id, ["programme_manager"]),
    ]
    users = [(user, now, 1, f"{user}@bench.example", "Somebody", roles, True) for user, roles in people]
    await _copy_rows(connection, "users", (*RECORD_COLUMNS, "email", "name", "roles", "is_active"), users)
    members = [(chosen.get_team_id(number), worker, False) for number, worker in enumerate(chosen.worker_ids)]
    members.append((chosen.team_ids[0], chosen.supervisor_id, True))
    await _copy_rows(connection, "team_members", ("team_id", "user_id", "is_supervisor"), members)
    clients = [(chosen.api_client_id, now, 1, chosen.agency_id, "Case system", ["referrals"], True)]
    await _copy_rows(
        connection, "api_clients", (*RECORD_COLUMNS, "agency_id", "name", "scopes", "is_active"), clients
    )


CASE_COLUMNS = (
    *RECORD_COLUMNS, "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "referral_id", "opened_on", "closed_on",
    "next_review_on", "age_at_referral_min", "age_at_referral_max", "province_code", "updated_at",
    "content_encrypted",
)  # fmt: skip
REFERRAL_COLUMNS = (
    *RECORD_COLUMNS, "child_id", "case_id", "agency_id", "team_id", "external_id", "tracking_number", "source", "urgency",
    "concern_kind", "status", "received_at", "updated_at", "province_code", "content_encrypted",
)  # fmt: skip
PERSON_COLUMNS = (
    *RECORD_COLUMNS,
    "child_id",
    "case_id",
    "role",
    "relationship",
    "is_responsible",
    "details_encrypted",
)


@dataclass(frozen=True, slots=True)
class _FirstStepRows:
    """Rows of First Step's tables."""

    organisation: Organisation
    cipher: Cipher

    def build_child(self, s: InventedCase) -> Row:
        identity = {name: value for name, value in s.child.items() if name != "sex"}
        sealed = self.cipher.encrypt(
            identity, table="children", column="identity_encrypted", row_id=s.child_id
        )
        return (s.child_id, s.opened_at, 1, s.child["sex"], s.child["place_code"], sealed)

    def build_case(self, s: InventedCase) -> Row:
        sealed = self.cipher.encrypt(
            {"summary": s.summary}, table="cases", column="content_encrypted", row_id=s.case_id
        )
        return (
            s.case_id, s.opened_at, 1, format_case_number(s), s.child_id, s.kind, s.status, self.organisation.get_team_id(s.worker),
            self.organisation.worker_ids[s.worker], s.referral_id, *case_dates(s), 9, 10, s.child["place_code"], s.opened_at, sealed,
        )  # fmt: skip

    def build_referral(self, s: InventedCase) -> Row:
        sealed = self.cipher.encrypt(
            s.referral, table="referrals", column="content_encrypted", row_id=s.referral_id
        )
        return (
            s.referral_id, s.opened_at, 1, s.child_id, s.case_id, self.organisation.agency_id,
            self.organisation.get_team_id(s.worker), f"old-{s.number}", f"R-OLD-{s.number:05d}", "api", s.referral["urgency"],
            s.referral["concern"]["kind"], "accepted", s.opened_at, s.opened_at, s.child["place_code"], sealed,
        )  # fmt: skip

    def build_person(self, s: InventedCase) -> Row:
        sealed = self.cipher.encrypt(
            s.referral["caregiver"], table="people", column="details_encrypted", row_id=s.person_id
        )
        return (s.person_id, s.opened_at, 1, s.child_id, s.case_id, "supporter", "mother", True, sealed)


def format_case_number(s: InventedCase) -> str:
    """The number on the file."""
    return f"FSC-{s.opened_at.year}-{s.number:05d}"


def case_dates(s: InventedCase) -> tuple[date, date | None, date | None]:
    """When the case was opened, was closed, and is looked at next."""
    opened = s.opened_at.date()
    closed = opened + timedelta(days=300) if s.status == "closed" else None
    return opened, closed, None if closed else opened + timedelta(days=90)


def _build_name_tokens(s: InventedCase) -> list[Row]:
    tokens = person_details.hash_search_keys(person_details.get_child_search_keys(s.child))
    owners = ((s.child_id, "child"), (s.referral_id, "referral"))
    return [(owner, token, kind, s.child_id) for owner, kind in owners for token in tokens]


async def fill_plain(
    connection: asyncpg.Connection, organisation: Organisation, told: list[InventedCase]
) -> None:
    """Copy the same caseload, in clear, into the tables that `plain` made for itself."""
    users = [
        *(
            (worker, f"w{n}@bench.example", "social_worker", organisation.get_team_id(n), None)
            for n, worker in enumerate(organisation.worker_ids)
        ),
        (organisation.supervisor_id, "s@bench.example", "supervisor", organisation.team_ids[0], None),
        (organisation.api_client_id, "p@bench.example", "partner", None, organisation.agency_id),
    ]
    await _copy_rows(connection, "users", ("id", "email", "role", "team_id", "agency_id"), users)
    await _copy_rows(
        connection,
        "children",
        ("id", "sex", "nickname", "birth_date", "names"),
        map(_build_plain_child, told),
    )
    in_clear = _plain_case_builder(organisation)
    await _copy_rows(connection, "cases", PLAIN_CASE_COLUMNS, map(in_clear, told))
    await connection.execute("VACUUM ANALYZE")


PLAIN_CASE_COLUMNS = (
    "id", "version", "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "co_worker_ids", "referral_id",
    "opened_on", "closed_on", "next_review_on", "age_at_referral_min", "age_at_referral_max", "province_code", "summary",
    "created_at", "updated_at",
)  # fmt: skip


def _build_plain_child(s: InventedCase) -> Row:
    born = date.fromisoformat(s.referral["child"]["birth"]["date"])
    return (s.child_id, s.child["sex"], s.child["nickname"], born, json.dumps(s.child["names"]))


def _plain_case_builder(chosen: Organisation) -> Callable[[InventedCase], Row]:
    def case(s: InventedCase) -> Row:
        others = [] if s.co_worker is None else [chosen.worker_ids[s.co_worker]]
        return (
            s.case_id, 1, format_case_number(s), s.child_id, s.kind, s.status, chosen.get_team_id(s.worker), chosen.worker_ids[s.worker],
            others, s.referral_id, *case_dates(s), 9, 10, s.child["place_code"], s.summary, s.opened_at, s.opened_at,
        )  # fmt: skip

    return case
