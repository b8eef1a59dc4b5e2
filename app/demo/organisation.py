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

from app.access.caller import Caller
from app.access.passwords import parse_stored_password
from app.access.permissions import Permission
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.demo import people as demo_people
from app.kit.dates import add_months, today
from app.models import User
from app.models.record import new_id
from app.schemas.administration import AgencyCreate, TeamCreate, UserCreate
from app.schemas.api_clients import ApiClientCreate
from app.schemas.providers import ProviderContact, ProviderCreate
from app.server.act_as import run_as, start_session_as
from app.services.accounts import agencies, api_clients, teams, users
from app.services.support import providers


def _generate_ids(names: list[str]) -> dict[str, uuid.UUID]:
    return {name: new_id() for name in names}


@dataclass(slots=True)
class DemoIds:
    """Who plays: ids by name, known before anything is made, so that several processes play with one cast."""

    team_ids: dict[str, uuid.UUID] = field(default_factory=lambda: _generate_ids(list(demo_people.TEAMS)))
    user_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids([one[0] for one in demo_people.STAFF])
    )
    provider_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids([one[0] for one in demo_people.PROVIDERS])
    )
    fund_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids([one[0] for one in demo_people.FUNDS])
    )
    api_client_ids: list[uuid.UUID] = field(
        default_factory=lambda: [new_id() for _ in demo_people.API_CLIENTS]
    )
    referral_ids: dict[int, uuid.UUID] = field(default_factory=dict)
    """By story."""


@dataclass(slots=True)
class DemoContext:
    """The cast on one process's connection."""

    ids: DemoIds
    database: Database
    session_ids: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)

    @asynccontextmanager
    async def run_as(self, who: str | int, act: Permission) -> AsyncIterator[tuple[AsyncSession, Caller]]:
        """Act as a member of staff (by name) or a system (by number)."""
        if isinstance(who, str):
            kind, subject = "person", self.ids.user_ids[who]
        else:
            kind, subject = "client", self.ids.api_client_ids[who]
        if subject not in self.session_ids:
            self.session_ids[subject] = await start_session_as(self.database, kind, subject)  # type: ignore[arg-type]  # one of the two
        async with run_as(self.database, kind, subject, self.session_ids[subject], act) as scene:  # type: ignore[arg-type]  # same
            yield scene


async def has_no_users(database: Database) -> bool:
    """Whether nobody has an account yet."""
    with translate_database_errors():
        async with database.session_factory() as session:
            return not await session.scalar(select(func.count()).select_from(User))


async def create_demo_organisation(cast: DemoIds, database: Database, notes: Path) -> None:
    """Make teams, agencies, staff, systems and providers, and write passwords down before they are for good."""
    told: dict[str, Any] = {"users": [], "api_clients": []}
    async with database.session_factory() as session:
        for name, team_id in cast.team_ids.items():
            await teams.create_team(session, TeamCreate(id=team_id, name=name))
        for mailbox, name, roles, places in demo_people.STAFF:
            told["users"].append(await _create_user(session, cast, mailbox, name, roles, places))
        told["api_clients"] = await _create_api_clients(session, cast)
        for provider in demo_people.PROVIDERS:
            await providers.create_provider(session, _build_provider(cast, *provider))
        write_credentials_file(notes, told)
        await session.commit()


async def _create_user(
    session: AsyncSession,
    cast: DemoIds,
    mailbox: str,
    name: str,
    roles: tuple[str, ...],
    places: tuple[tuple[str, bool], ...],
) -> dict[str, Any]:
    memberships = [{"team_id": str(cast.team_ids[team]), "is_supervisor": leads} for team, leads in places]
    email = f"{mailbox}@{demo_people.EMAIL_DOMAIN}"
    appointing = {"id": str(cast.user_ids[mailbox]), "email": email, "name": name}
    made = await users.create_user(
        session, UserCreate.model_validate({**appointing, "roles": list(roles), "teams": memberships})
    )
    user = await session.get_one(User, made.id)
    # As if they had chosen it: whoever tries the demonstration has nothing to change first.
    user.password_hash = parse_stored_password(user.password_hash).password_hash
    return {"email": email, "password": made.initial_password, "roles": list(roles), "name": name}


async def _create_api_clients(session: AsyncSession, cast: DemoIds) -> list[dict[str, Any]]:
    agency_ids, told = {}, []
    for name, kind in demo_people.AGENCIES:
        agency_ids[name] = (await agencies.create_agency(session, AgencyCreate(name=name, kind=kind))).id
    for client_id, (name, agency, scopes) in zip(cast.api_client_ids, demo_people.API_CLIENTS, strict=True):
        wanted = ApiClientCreate(id=client_id, agency_id=agency_ids[agency], name=name, scopes=list(scopes))
        secret = (await api_clients.create_api_client(session, wanted)).client_secret
        told.append(
            {"client_id": str(client_id), "client_secret": secret, "agency": agency, "scopes": scopes}
        )
    return told


def _build_provider(
    cast: DemoIds, name: str, kind: str, services: tuple[str, ...], provinces: tuple[str, ...]
) -> ProviderCreate:
    number = [one[0] for one in demo_people.PROVIDERS].index(name)
    was_checked = number < len(demo_people.PROVIDERS) - 1
    years = add_months(today(), -36)
    return ProviderCreate(
        id=cast.provider_ids[name],
        name=name,
        kind=kind,
        services=list(services),
        province_codes=list(provinces),
        contacts=[ProviderContact(name="Sok Dara", position="Reception", phone=f"02398{7000 + number}")],
        places=("Open on weekdays.", "ថ្ងៃច័ន្ទ ដល់ សុក្រ")[number % 2],
        safeguarding_checked_on=years if was_checked else None,
        safeguarding_valid_until=add_months(years, 48 + number) if was_checked else None,
    )


def write_credentials_file(path: Path, facts: dict[str, Any]) -> None:
    """Write what somebody needs to try the demonstration, for this machine's owner only."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
