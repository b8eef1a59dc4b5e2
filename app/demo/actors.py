"""The cast of the demonstration: who plays, and how somebody invented acts through the same door as anybody."""

import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.permissions import Permission
from app.database.engine import Database
from app.database.errors import translated
from app.demo import people as demo_people
from app.kit.dates import add_months, today
from app.models import User
from app.models.record import new_id
from app.schemas.administration import AgencyIn, ApiClientIn, TeamIn, UserIn
from app.schemas.providers import Contact, ProviderIn
from app.server.act_as import acting, begin
from app.services.accounts import agencies, api_clients, initial_passwords, teams, users
from app.services.support import providers


def _named(names: list[str]) -> dict[str, uuid.UUID]:
    return {name: new_id() for name in names}


@dataclass(slots=True)
class Cast:
    """Who plays: ids by name, known before anything is made, so that several processes play with one cast."""

    teams: dict[str, uuid.UUID] = field(default_factory=lambda: _named(list(demo_people.TEAMS)))
    people: dict[str, uuid.UUID] = field(
        default_factory=lambda: _named([one[0] for one in demo_people.STAFF])
    )
    providers: dict[str, uuid.UUID] = field(
        default_factory=lambda: _named([one[0] for one in demo_people.PROVIDERS])
    )
    funds: dict[str, uuid.UUID] = field(default_factory=lambda: _named([one[0] for one in demo_people.FUNDS]))
    systems: list[uuid.UUID] = field(default_factory=lambda: [new_id() for _ in demo_people.CLIENTS])
    referrals: dict[int, uuid.UUID] = field(default_factory=dict)
    """By story."""


@dataclass(slots=True)
class Stage:
    """The cast on one process's connection."""

    cast: Cast
    database: Database
    sessions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    @asynccontextmanager
    async def playing(self, who: str | int, act: Permission) -> AsyncIterator[tuple[AsyncSession, Actor]]:
        """Act as a member of staff (by name) or a system (by number)."""
        if isinstance(who, str):
            kind, subject = "person", self.cast.people[who]
        else:
            kind, subject = "client", self.cast.systems[who]
        if subject not in self.sessions:
            self.sessions[subject] = await begin(self.database, kind, subject)  # type: ignore[arg-type]  # one of the two
        async with acting(self.database, kind, subject, self.sessions[subject], act) as scene:  # type: ignore[arg-type]  # same
            yield scene


async def is_empty(database: Database) -> bool:
    """Whether nobody has an account yet."""
    with translated():
        async with database.sessions() as session:
            return not await session.scalar(select(func.count()).select_from(User))


async def assemble(cast: Cast, database: Database, notes: Path) -> None:
    """Make teams, agencies, staff, systems and providers, and write passwords down before they are for good."""
    told: dict[str, Any] = {"users": [], "api_clients": []}
    async with database.sessions() as session:
        for name, team_id in cast.teams.items():
            await teams.found(session, TeamIn(id=team_id, name=name))
        for mailbox, name, roles, places in demo_people.STAFF:
            told["users"].append(await _appoint(session, cast, mailbox, name, roles, places))
        told["api_clients"] = await _connect(session, cast)
        for provider in demo_people.PROVIDERS:
            await providers.register(session, _provider(cast, *provider))
        write_notes(notes, told)
        await session.commit()


async def _appoint(
    session: AsyncSession,
    cast: Cast,
    mailbox: str,
    name: str,
    roles: tuple[str, ...],
    places: tuple[tuple[str, bool], ...],
) -> dict[str, Any]:
    memberships = [{"team_id": str(cast.teams[team]), "is_supervisor": leads} for team, leads in places]
    email = f"{mailbox}@{demo_people.DOMAIN}"
    appointing = {"id": str(cast.people[mailbox]), "email": email, "name": name}
    made = await users.appoint(
        session, UserIn.model_validate({**appointing, "roles": list(roles), "teams": memberships})
    )
    user = await session.get_one(User, made.id)
    # As if they had chosen it: whoever tries the demonstration has nothing to change first.
    user.password_hash = initial_passwords.read(user.password_hash).password_hash
    return {"email": email, "password": made.initial_password, "roles": list(roles), "name": name}


async def _connect(session: AsyncSession, cast: Cast) -> list[dict[str, Any]]:
    agency_ids, told = {}, []
    for name, kind in demo_people.AGENCIES:
        agency_ids[name] = (await agencies.register(session, AgencyIn(name=name, kind=kind))).id
    for client_id, (name, agency, scopes) in zip(cast.systems, demo_people.CLIENTS, strict=True):
        wanted = ApiClientIn(id=client_id, agency_id=agency_ids[agency], name=name, scopes=list(scopes))
        secret = (await api_clients.register(session, wanted)).client_secret
        told.append(
            {"client_id": str(client_id), "client_secret": secret, "agency": agency, "scopes": scopes}
        )
    return told


def _provider(
    cast: Cast, name: str, kind: str, services: tuple[str, ...], provinces: tuple[str, ...]
) -> ProviderIn:
    number = [one[0] for one in demo_people.PROVIDERS].index(name)
    was_checked = number < len(demo_people.PROVIDERS) - 1
    years = add_months(today(), -36)
    return ProviderIn(
        id=cast.providers[name],
        name=name,
        kind=kind,
        services=list(services),
        province_codes=list(provinces),
        contacts=[Contact(name="Sok Dara", position="Reception", phone=f"02398{7000 + number}")],
        places=("Open on weekdays.", "ថ្ងៃច័ន្ទ ដល់ សុក្រ")[number % 2],
        safeguarding_checked_on=years if was_checked else None,
        safeguarding_valid_until=add_months(years, 48 + number) if was_checked else None,
    )


def write_notes(path: Path, facts: dict[str, Any]) -> None:
    """Write what somebody needs to try the demonstration, for this machine's owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
