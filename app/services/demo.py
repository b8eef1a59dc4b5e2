"""The demonstration: an invented organisation and caseload, made by the same services as real ones, once."""

import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.passwords import hash_password
from app.access.permissions import Permission
from app.config import Settings
from app.database import Database
from app.database_errors import translated
from app.database_urls import Urls
from app.embedded import EmbeddedServer
from app.errors import Conflict
from app.models import User
from app.schemas.administration import AgencyIn, ApiClientIn, TeamIn, UserIn
from app.schemas.cases import Linking
from app.schemas.referrals import (
    Acceptance,
    Acknowledgement,
    Decline,
    Question,
    ReferralIn,
    ReferralOut,
    Withdrawal,
)
from app.services import (
    agencies,
    api_clients,
    cases_staffing,
    demo_people,
    referrals,
    referrals_accept,
    teams,
    users,
)
from app.services.acting import acting, begin
from app.services.ages import today
from app.services.installation import Say

CHILDREN = 30
T = TypeVar("T")


@dataclass(slots=True)
class Cast:
    """Who plays: ids by name, and the passwords and secrets to write down."""

    database: Database
    teams: dict[str, uuid.UUID] = field(default_factory=dict)
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    systems: list[uuid.UUID] = field(default_factory=list)
    sessions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def playing(self, who: str | int, act: Permission) -> AsyncIterator[tuple[AsyncSession, Actor]]:
        """Act as a member of staff (by name) or a system (by number)."""
        kind, subject = (
            ("person", self.people[who]) if isinstance(who, str) else ("client", self.systems[who])
        )
        if subject not in self.sessions:
            self.sessions[subject] = await begin(self.database, kind, subject)  # type: ignore[arg-type]  # one of the two
        async with acting(self.database, kind, subject, self.sessions[subject], act) as scene:  # type: ignore[arg-type]  # same
            yield scene


async def prepare(notes: Path, urls: Urls, say: Say) -> None:
    """Fill an empty database with the demonstration, and note who can try it with which password."""
    database = Database(urls.api, pool_size=2)
    await database.open()
    try:
        if await _is_empty(database):
            say("Inventing a demonstration caseload …")
            await _play(await _assemble(database, notes))
    finally:
        await database.close()


def reset(chosen: Settings) -> None:
    """Throw a demonstration away.

    Raises:
        Conflict: this is no demonstration, or uses a database that is not ours to delete.
    """
    if chosen.mode != "demo" or not (chosen.home / "demo.json").exists() or chosen.database_url is not None:
        raise Conflict(f"{chosen.home} holds no demonstration that could be thrown away.")
    EmbeddedServer(chosen.home).stop()
    shutil.rmtree(chosen.home)


def _write(path: Path, facts: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


async def _is_empty(database: Database) -> bool:
    with translated():
        async with database.sessions() as session:
            return not await session.scalar(select(func.count()).select_from(User))


async def _assemble(database: Database, notes: Path) -> Cast:
    """Make teams, agencies, staff and systems, and write their passwords down before they are for good."""
    cast = Cast(database, notes={"users": [], "api_clients": []})
    async with database.sessions() as session:
        for name in demo_people.TEAMS:
            cast.teams[name] = (await teams.found(session, TeamIn(name=name))).id
        agency_ids = {}
        for name, kind in demo_people.AGENCIES:
            agency_ids[name] = (await agencies.register(session, AgencyIn(name=name, kind=kind))).id
        await _appoint(session, cast)
        for name, agency, scopes in demo_people.CLIENTS:
            told = ApiClientIn(agency_id=agency_ids[agency], name=name, scopes=list(scopes))
            made = await api_clients.register(session, told)
            cast.systems.append(made.id)
            cast.notes["api_clients"].append(
                {
                    "client_id": str(made.id),
                    "client_secret": made.client_secret,
                    "agency": agency,
                    "scopes": scopes,
                }
            )
        _write(notes, cast.notes)
        await session.commit()
    return cast


async def _appoint(session: AsyncSession, cast: Cast) -> None:
    for mailbox, name, roles, places in demo_people.STAFF:
        memberships = [{"team_id": str(cast.teams[team]), "is_supervisor": leads} for team, leads in places]
        email = f"{mailbox}@{demo_people.DOMAIN}"
        told = UserIn.model_validate(
            {"email": email, "name": name, "roles": list(roles), "teams": memberships}
        )
        made = await users.appoint(session, told)
        cast.people[mailbox] = made.id
        user = await session.get_one(User, made.id)
        user.password_hash = await hash_password(made.initial_password)
        cast.notes["users"].append(
            {"email": email, "password": made.initial_password, "roles": list(roles), "name": name}
        )
    await (
        session.flush()
    )  # nothing is read back here; the commit would do it too late for errors to be placed


async def _play(cast: Cast) -> None:
    """Let partners refer and staff answer, as on any day."""
    cases: list[uuid.UUID] = []
    for number in range(CHILDREN):
        told = ReferralIn.model_validate(demo_people.referral(number, today().isoformat()))
        async with cast.playing(number % 2, Permission.referral_receive) as (session, actor):
            referral_id = (await referrals.receive(session, actor, told)).id
        accepted = await _answer(cast, number, referral_id)
        if accepted and accepted.case_id:
            cases.append(accepted.case_id)
    async with cast.playing("vanna.supervisor", Permission.case_link) as (session, actor):
        linking = Linking(linked_case_id=cases[1], reason="Cousins: one was harmed by the other.")
        await cases_staffing.link(session, actor, cases[0], linking)


async def _answer(cast: Cast, number: int, referral_id: uuid.UUID) -> ReferralOut | None:
    """What becomes of the n-th referral: most are accepted, and one of every other kind is there to look at."""
    team, supervisor, worker = (
        ("Siem Reap", "rith.supervisor", ("sophea.worker", "maly.worker")[number // 2 % 2])
        if number % 2 == 0
        else ("Phnom Penh", "bopha.supervisor", "dara.worker")
    )
    if number >= CHILDREN - 4:
        return None
    async with cast.playing(supervisor, Permission.referral_acknowledge) as (session, actor):
        taken = Acknowledgement(team_id=cast.teams[team])
        version = (await referrals.acknowledge(session, actor, referral_id, 1, taken)).version
    if number >= CHILDREN - 8:
        await _leave_open(cast, supervisor, number, referral_id, version)
        return None
    async with cast.playing(supervisor, Permission.referral_accept) as (session, actor):
        kind = demo_people.CONCERNS[number % len(demo_people.CONCERNS)][0]
        acceptance = Acceptance.model_validate(
            {
                "case_kind": kind,
                "lead_worker_id": str(cast.people[worker]),
                "team_id": str(cast.teams[team]),
                "screening": {
                    "meets_criteria": True,
                    "reason": "Known to the school as a pupil of grade age.",
                },
                "duplicates_reviewed": True,
            }
        )
        accepted = await referrals_accept.accept(session, actor, referral_id, version, acceptance)
    return accepted if isinstance(accepted, ReferralOut) else None


async def _leave_open(cast: Cast, supervisor: str, number: int, referral_id: uuid.UUID, version: int) -> None:
    match number % 4:
        case 0:
            async with cast.playing(supervisor, Permission.referral_ask) as (session, actor):
                question = Question(question="Is the child safe where it lives now?")
                await referrals.ask(session, actor, referral_id, version, question)
        case 1:
            async with cast.playing(supervisor, Permission.referral_decline) as (session, actor):
                decision = Decline(
                    reason_code="concern_does_not_fit",
                    reason="The concern is about schooling only.",
                    signposted_to=["District office of education"],
                )
                await referrals.decline(session, actor, referral_id, version, decision)
        case 2:
            async with cast.playing(number % 2, Permission.referral_withdraw) as (session, actor):
                withdrawal = Withdrawal(reason="The family moved abroad.")
                await referrals.withdraw(session, actor, referral_id, version, withdrawal)
