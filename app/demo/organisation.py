"""Create the organisation of the demonstration: teams, agencies, staff, API clients and providers."""

import json
import os
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.passwords import generate_one_time_code
from app.access.permissions import Permission
from app.access.tokens import SubjectKind
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.demo import people as demo_people
from app.kit.dates import add_months, today
from app.models import User
from app.models.record import new_id
from app.schemas.administration import AgencyCreate, TeamCreate, UserCreate
from app.schemas.providers import ProviderContact, ProviderCreate
from app.server.act_as import run_as, start_session_as
from app.services.accounts import agencies, bootstrap, teams
from app.services.support import providers


def _generate_ids(names: Iterable[str]) -> dict[str, uuid.UUID]:
    return {name: new_id() for name in names}


@dataclass(slots=True)
class DemoIds:
    """Ids of the demonstration's records. They are generated in advance, because several processes use them."""

    team_ids: dict[str, uuid.UUID] = field(default_factory=lambda: _generate_ids(demo_people.TEAMS))
    user_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids(
            member.mailbox for member in (*demo_people.STAFF, demo_people.LEAVER)
        )
    )
    provider_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids(provider.name for provider in demo_people.PROVIDERS)
    )
    fund_ids: dict[str, uuid.UUID] = field(
        default_factory=lambda: _generate_ids(fund.name for fund in demo_people.FUNDS)
    )
    api_client_ids: list[uuid.UUID] = field(
        default_factory=lambda: [new_id() for _ in demo_people.API_CLIENTS]
    )
    referral_ids: dict[int, uuid.UUID] = field(default_factory=dict)
    """Id of the referral by the number of its scenario."""


@dataclass(slots=True)
class DemoContext:
    """The ids of the demonstration and the database connection of one process."""

    ids: DemoIds
    database: Database
    session_ids: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Id of the sign-in session by the id of the user or API client."""

    @asynccontextmanager
    async def run_as(
        self, principal: str | int, permission: Permission
    ) -> AsyncIterator[tuple[AsyncSession, Caller]]:
        """Run as a member of staff (by mailbox) or an API client (by index)."""
        kind: SubjectKind
        if isinstance(principal, str):
            kind, subject = "person", self.ids.user_ids[principal]
        else:
            kind, subject = "client", self.ids.api_client_ids[principal]
        if subject not in self.session_ids:
            self.session_ids[subject] = await start_session_as(self.database, kind, subject)
        async with run_as(self.database, kind, subject, self.session_ids[subject], permission) as (
            session,
            caller,
        ):
            yield session, caller


async def has_no_users(database: Database) -> bool:
    """Return whether the database contains no user account."""
    with translate_database_errors():
        async with database.session_factory() as session:
            return not await session.scalar(select(func.count()).select_from(User))


async def create_demo_organisation(ids: DemoIds, owner: AsyncSession, credentials_path: Path) -> None:
    """Create teams, agencies, staff, API clients and providers, and write the passwords to a file before the commit.

    `owner` is a session of the owner role, because the API's role cannot grant rights without a second person.
    """
    for name, team_id in ids.team_ids.items():
        await teams.create_team(owner, TeamCreate(id=team_id, name=name))
    user_credentials = [await _create_user(owner, ids, member) for member in demo_people.STAFF]
    await _create_user(owner, ids, demo_people.LEAVER)
    client_credentials = await _create_api_clients(owner, ids)
    for index, provider in enumerate(demo_people.PROVIDERS):
        await providers.create_provider(owner, _build_provider(ids, index, provider))
    write_credentials_file(credentials_path, {"users": user_credentials, "api_clients": client_credentials})
    await owner.commit()


async def _create_user(owner: AsyncSession, ids: DemoIds, member: demo_people.StaffMember) -> dict[str, Any]:
    email = f"{member.mailbox}@{demo_people.EMAIL_DOMAIN}"
    payload = {
        "id": str(ids.user_ids[member.mailbox]),
        "email": email,
        "name": member.name,
        "roles": list(member.roles),
        "teams": [
            {"team_id": str(ids.team_ids[team]), "is_supervisor": is_supervisor}
            for team, is_supervisor in member.teams
        ],
    }
    password = generate_one_time_code()
    # The password counts as chosen by the user, so that demonstration users need not change it first.
    await bootstrap.insert_user(owner, UserCreate.model_validate(payload), password)
    return {"email": email, "password": password, "roles": list(member.roles), "name": member.name}


async def _create_api_clients(owner: AsyncSession, ids: DemoIds) -> list[dict[str, Any]]:
    agency_ids, credentials = {}, []
    for name, kind in demo_people.AGENCIES:
        agency_ids[name] = (await agencies.create_agency(owner, AgencyCreate(name=name, kind=kind))).id
    for client_id, client in zip(ids.api_client_ids, demo_people.API_CLIENTS, strict=True):
        secret = await bootstrap.insert_api_client(
            owner, client_id, agency_ids[client.agency], client.name, client.scopes
        )
        credentials.append(
            {
                "client_id": str(client_id),
                "client_secret": secret,
                "agency": client.agency,
                "scopes": client.scopes,
            }
        )
    return credentials


def _build_provider(ids: DemoIds, index: int, provider: demo_people.DemoProvider) -> ProviderCreate:
    is_checked = index < len(demo_people.PROVIDERS) - 1
    checked_on = add_months(today(), -36)
    return ProviderCreate(
        id=ids.provider_ids[provider.name],
        name=provider.name,
        kind=provider.kind,
        services=list(provider.services),
        province_codes=list(provider.province_codes),
        contacts=[ProviderContact(name="Sok Dara", position="Reception", phone=f"02398{7000 + index}")],
        places=("Open on weekdays.", "ថ្ងៃច័ន្ទ ដល់ សុក្រ")[index % 2],
        safeguarding_checked_on=checked_on if is_checked else None,
        safeguarding_valid_until=add_months(checked_on, 48 + index) if is_checked else None,
    )


def write_credentials_file(path: Path, credentials: dict[str, Any]) -> None:
    """Write the credentials of the demonstration to a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(credentials, indent=2, ensure_ascii=False) + "\n")
