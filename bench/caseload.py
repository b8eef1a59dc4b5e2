"""Generate an invented caseload, and copy it encrypted into the tables of First Step."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from app.access.encryption import Cipher
from app.access.vault import get_vault
from app.models.contents import StoredBirth, StoredPersonName, StoredPhone
from app.models.referrals import StoredCaregiver, StoredReferralChild, StoredReferralContent
from app.services.persons import gazetteer, person_details
from bench.names import choose_name
from bench.search_tokens import shorten_tokens

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
RISK_LEVELS = ("low", "medium", "high")
PROVINCES = ("01", "02", "03", "08", "12", "17", "21")
RECORD_COLUMNS = ("id", "created_at", "version")

Row = tuple[Any, ...]
Columns = tuple[str, ...]


@dataclass(slots=True)
class Organisation:
    """Four teams of ten workers, a supervisor of the first team, a programme manager, and an API client of a partner."""

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
        """Return a random UUID (version 4). It depends on the seed only."""
        return UUID(int=self.rng.getrandbits(128), version=4)

    def get_team_id(self, worker: int) -> UUID:
        """Return the team of the worker with a number."""
        return self.team_ids[worker % len(self.team_ids)]


@dataclass(frozen=True, slots=True)
class InventedCase:
    """One child with its referral, its case and its supporter."""

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
    referral: StoredReferralContent
    summary: str


def generate_cases(organisation: Organisation, count: int) -> Iterator[InventedCase]:
    """Yield `count` cases, the oldest first. Every third case has a co-worker.

    The first worker, who sends the measured requests, has 25 cases. The other workers share the rest.
    """
    rng, new_id, other_count = organisation.rng, organisation.generate_id, len(organisation.worker_ids) - 1
    first_opened_at = datetime.now(UTC) - timedelta(days=730)
    for number in range(1, count + 1):
        worker = 1 + number % other_count if number % (count // 25) else 0
        referral = generate_referral(rng, number)
        yield InventedCase(
            number=number, child_id=new_id(), referral_id=new_id(), case_id=new_id(), person_id=new_id(), worker=worker,
            co_worker=None if number % 3 else 1 + (worker + len(organisation.team_ids) - 1) % other_count,
            kind=rng.choice(KINDS), status=rng.choice(STATUSES),
            opened_at=first_opened_at + timedelta(days=729) * (number / count), child=referral["child"], referral=referral,
            summary=SUMMARY_TEXT[rng.randrange(40) :],
        )  # fmt: skip


def generate_referral(rng: random.Random, number: int) -> StoredReferralContent:
    """Return the stored content of a referral."""
    family, given = choose_name(rng)
    place = rng.choice(PROVINCES)
    e164 = f"+85512{number % 1_000_000:06d}"
    phone: StoredPhone = {"number": e164, "owner": "family", "note": None, "safe_to_call": True, "e164": e164}
    names: list[StoredPersonName] = [
        {"script": "khmer", "family": family[0], "given": given[0]},
        {"script": "latin", "family": family[1], "given": given[1]},
    ]
    born = date(2010, 1, 1) + timedelta(days=rng.randrange(3650))
    birth: StoredBirth = {
        "date": born.isoformat(), "precision": "month", "estimated_age": None, "estimated_age_min": None,
        "estimated_age_max": None, "estimated_on": None,
    }  # fmt: skip
    mother: StoredCaregiver = {
        "names": [{"script": "khmer", "family": family[0], "given": "ស្រីមុំ"}], "relationship": "mother", "phones": [phone],
        "place_code": place, "address_detail": None, "knows_of_referral": True,
    }  # fmt: skip
    return {
        "urgency": rng.choice(("routine", "urgent")),
        "concern": {
            "kind": "survivor", "summary": SUMMARY_TEXT, "occurred_on": None, "period": "over several months",
            "child_is_safe_now": True, "reported_to": ["commune_committee", "police"],
        },
        "child": {
            "names": names, "nickname": given[1][:4], "sex": rng.choice(("male", "female")), "gender_identity": None,
            "birth": birth,
            "place_code": place, "address_detail": "Behind the pagoda, third house", "phones": [phone], "languages": ["km"],
            "disability": {"has_difficulty": False, "difficulties": {}, "note": None},
            "school": {"status": "attending", "grade": "4", "name": None}, "idpoor": None,
        },
        "caregiver": mother,
        "referrer": {"name": "Duty", "position": "social worker", "phone": "+85510222333", "phone_e164": "+85510222333", "email": "duty@partner.example"},
        "consent": {
            "given_by": ["child", "caregiver"], "method": "thumbprint", "on": "2026-01-10",
            "scope": ["services", "share_with_fsc"], "witness": None, "alternative_giver_reason": None,
            "basis_without_consent": None,
        },
        "services_already_given": ["medical", "shelter"],
        "documents": [],
        "warnings": [],
    }  # fmt: skip


async def fill_first_step(
    connection: asyncpg.Connection, organisation: Organisation, cases: list[InventedCase]
) -> None:
    """Copy the caseload into the tables of First Step, encrypted with its cipher.

    The connection uses the administrator role, which bypasses row-level security.
    """
    now = datetime.now(UTC)
    places = [
        (
            place.code,
            place.parent_code,
            place.level,
            place.name_km,
            place.name_en,
            place.name_en.lower(),
            place.name_km,
        )
        for place in gazetteer.load_gazetteer().places.values()
    ]
    await copy_rows(
        connection,
        "places",
        ("code", "parent_code", "level", "name_km", "name_en", "search_en", "search_km"),
        places,
    )
    await _copy_organisation(connection, organisation, now)
    builder = _RowBuilder(organisation, get_vault().cipher)
    await copy_rows(
        connection,
        "children",
        (*RECORD_COLUMNS, "sex", "province_code", "has_birth", "identity_encrypted"),
        map(builder.build_child, cases),
    )
    await copy_rows(connection, "cases", CASE_COLUMNS, map(builder.build_case, cases))
    await copy_rows(connection, "referrals", REFERRAL_COLUMNS, map(builder.build_referral, cases))
    await copy_rows(connection, "people", PERSON_COLUMNS, map(builder.build_person, cases))
    co_workers = [
        (case.case_id, organisation.worker_ids[case.co_worker], case.child_id, now)
        for case in cases
        if case.co_worker is not None
    ]
    await copy_rows(connection, "case_workers", ("case_id", "user_id", "child_id", "since"), co_workers)
    tokens = (row for case in cases for row in _build_name_tokens(case))
    await copy_rows(connection, "name_tokens", ("owner_id", "token", "kind", "child_id"), tokens)


async def copy_rows(
    connection: asyncpg.Connection, table: str, columns: Columns, rows: Iterable[Row]
) -> None:
    """Insert rows with COPY."""
    await connection.copy_records_to_table(table, columns=columns, records=rows)


async def _copy_organisation(
    connection: asyncpg.Connection, organisation: Organisation, now: datetime
) -> None:
    agencies = [(organisation.agency_id, now, 1, "Healing Wings", "partner", True)]
    teams = [(team, now, 1, f"Team {number}", True) for number, team in enumerate(organisation.team_ids)]
    await copy_rows(connection, "agencies", (*RECORD_COLUMNS, "name", "kind", "is_active"), agencies)
    await copy_rows(connection, "teams", (*RECORD_COLUMNS, "name", "is_active"), teams)
    people = [
        *((worker, ["social_worker"]) for worker in organisation.worker_ids),
        (organisation.supervisor_id, ["supervisor"]),
        (organisation.manager_id, ["programme_manager"]),
    ]
    users = [
        (user, now, 1, f"{user}@bench.example", f"{user}@bench.example", "Somebody", "somebody", roles, True)
        for user, roles in people
    ]
    await copy_rows(
        connection,
        "users",
        (*RECORD_COLUMNS, "email", "email_key", "name", "name_key", "roles", "is_active"),
        users,
    )
    members = [
        (organisation.get_team_id(number), worker, False)
        for number, worker in enumerate(organisation.worker_ids)
    ]
    members.append((organisation.team_ids[0], organisation.supervisor_id, True))
    await copy_rows(connection, "team_members", ("team_id", "user_id", "is_supervisor"), members)
    clients = [
        (organisation.api_client_id, now, 1, organisation.agency_id, "Case system", ["referrals"], True)
    ]
    await copy_rows(
        connection, "api_clients", (*RECORD_COLUMNS, "agency_id", "name", "scopes", "is_active"), clients
    )


CASE_COLUMNS = (
    *RECORD_COLUMNS, "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "referral_id", "opened_on", "closed_on",
    "next_review_on", "risk_level", "last_contact_on", "age_at_referral_min", "age_at_referral_max", "province_code", "updated_at",
    "content_encrypted",
)  # fmt: skip
REFERRAL_COLUMNS = (
    *RECORD_COLUMNS, "child_id", "case_id", "agency_id", "team_id", "external_id", "tracking_number", "source", "urgency",
    "concern_kind", "status", "received_at", "updated_at", "province_code", "identity_changed_by_staff", "content_encrypted",
)  # fmt: skip
PERSON_COLUMNS = (
    *RECORD_COLUMNS, "child_id", "case_id", "role", "relationship", "is_responsible", "details_encrypted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _RowBuilder:
    """Builds rows of the tables of First Step."""

    organisation: Organisation
    cipher: Cipher

    def build_child(self, case: InventedCase) -> Row:
        identity = {name: value for name, value in case.child.items() if name != "sex"}
        ciphertext = self.cipher.encrypt(
            identity, table="children", column="identity_encrypted", row_id=case.child_id
        )
        return (
            case.child_id,
            case.opened_at,
            1,
            case.child["sex"],
            case.child["place_code"],
            True,
            ciphertext,
        )

    def build_case(self, case: InventedCase) -> Row:
        ciphertext = self.cipher.encrypt(
            {"summary": case.summary}, table="cases", column="content_encrypted", row_id=case.case_id
        )
        return (
            case.case_id, case.opened_at, 1, format_case_number(case), case.child_id, case.kind, case.status, self.organisation.get_team_id(case.worker),
            self.organisation.worker_ids[case.worker], case.referral_id, *case_dates(case), *case_progress(case), 9, 10, case.child["place_code"], case.opened_at, ciphertext,
        )  # fmt: skip

    def build_referral(self, case: InventedCase) -> Row:
        ciphertext = self.cipher.encrypt(
            case.referral, table="referrals", column="content_encrypted", row_id=case.referral_id
        )
        return (
            case.referral_id, case.opened_at, 1, case.child_id, case.case_id, self.organisation.agency_id,
            self.organisation.get_team_id(case.worker), f"old-{case.number}", f"R-OLD-{case.number:05d}", "api", case.referral["urgency"],
            case.referral["concern"]["kind"], "accepted", case.opened_at, case.opened_at, case.child["place_code"], False, ciphertext,
        )  # fmt: skip

    def build_person(self, case: InventedCase) -> Row:
        ciphertext = self.cipher.encrypt(
            case.referral["caregiver"], table="people", column="details_encrypted", row_id=case.person_id
        )
        return (
            case.person_id,
            case.opened_at,
            1,
            case.child_id,
            case.case_id,
            "supporter",
            "mother",
            True,
            ciphertext,
        )


def format_case_number(case: InventedCase) -> str:
    """Return the case number."""
    return f"FSC-{case.opened_at.year}-{case.number:05d}"


def case_dates(case: InventedCase) -> tuple[date, date | None, date | None]:
    """Return the date of the opening, of the closing and of the next review."""
    opened_on = case.opened_at.date()
    closed_on = opened_on + timedelta(days=300) if case.status == "closed" else None
    return opened_on, closed_on, None if closed_on else opened_on + timedelta(days=90)


def case_progress(case: InventedCase) -> tuple[str | None, date | None]:
    """Return the risk level and the date of the last contact. A case without an assessment has neither."""
    if case.status == "assessment":
        return None, None
    last_contact_at = case.opened_at + timedelta(days=10 + case.number % 60)
    return RISK_LEVELS[case.number % 3], min(last_contact_at, datetime.now(UTC)).date()


def _build_name_tokens(case: InventedCase) -> list[Row]:
    child_tokens = person_details.hash_child_search_keys(case.child)
    referral_tokens = person_details.hash_referral_search_keys(case.referral)
    owners = (
        (case.child_id, "child", child_tokens),
        (case.referral_id, "accepted_referral", referral_tokens),
    )
    return [
        (owner, token, kind, case.child_id)
        for owner, kind, tokens in owners
        for token in shorten_tokens(tokens)
    ]
