"""The organisation of the tests: two teams, a user for every role, two partners and a reporting script with real tokens."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.vault import get_vault
from app.database.engine import Database
from app.database.urls import DatabaseUrls
from app.models import Agency, ApiClient, AuthSession, Team, TeamMember, User
from app.models.record import utc_now

STAFF: dict[str, tuple[list[str], list[tuple[str, bool]]]] = {
    "worker_north": (["social_worker"], [("north", False)]),
    "worker_north_2": (["social_worker"], [("north", False)]),
    "worker_south": (["social_worker"], [("south", False)]),
    "supervisor_north": (["supervisor"], [("north", True)]),
    "supervisor_south": (["supervisor"], [("south", True)]),
    "supervisor_both": (["supervisor"], [("north", True), ("south", True)]),
    "manager": (["programme_manager"], []),
    "finance": (["finance_officer"], []),
    "me_officer": (["me_officer"], []),
    "dpo": (["data_protection_officer"], []),
    "admin": (["administrator"], []),
}
API_CLIENTS: dict[str, tuple[str, list[str]]] = {
    "partner_one": ("Helping Hands", ["referrals"]),
    "partner_two": ("Safe Steps", ["referrals"]),
    "reporting": ("First Step Cambodia", ["reports"]),
}
API_CLIENT_ROLES = {"partner_one": "partner_system", "reporting": "reporting_script"}


def id_of(name: str) -> uuid.UUID:
    """Return the id of a user, team, agency, API client or session. It is derived from the name."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.first-step.test")


async def insert_organization(session: AsyncSession) -> None:
    """Insert the teams, agencies, users, API clients and sign-in sessions."""
    session.add_all(Team(id=id_of(name), name=name) for name in ("north", "south"))
    for agency in {agency for agency, _ in API_CLIENTS.values()}:
        session.add(Agency(id=id_of(agency), name=agency, kind="fsc" if "First" in agency else "partner"))
    await session.flush()
    for name, (roles, _) in STAFF.items():
        session.add(
            User(
                id=id_of(name), email=f"{name}@fsc.example", name=name.replace("_", " ").title(), roles=roles
            )
        )
    for name, (agency, scopes) in API_CLIENTS.items():
        session.add(ApiClient(id=id_of(name), agency_id=id_of(agency), name=name, scopes=scopes))
    await session.flush()
    for name, (_, teams) in STAFF.items():
        session.add_all(
            TeamMember(team_id=id_of(team), user_id=id_of(name), is_supervisor=is_supervisor)
            for team, is_supervisor in teams
        )
        session.add(_build_session(name, user_id=id_of(name)))
    session.add_all(_build_session(name, client_id=id_of(name)) for name in API_CLIENTS)
    await session.commit()


def _build_session(
    name: str, user_id: uuid.UUID | None = None, client_id: uuid.UUID | None = None
) -> AuthSession:
    ends_at = utc_now() + timedelta(days=1)
    return AuthSession(
        id=id_of(f"session of {name}"),
        user_id=user_id,
        client_id=client_id,
        idle_ends_at=ends_at,
        ends_at=ends_at,
    )


def access_token_of(name: str, **changes: Any) -> str:
    """Issue an access token for a user or an API client."""
    is_client = name in API_CLIENTS
    claims: dict[str, Any] = {
        "kind": "client" if is_client else "person",
        "session_id": id_of(f"session of {name}"),
        "scope": " ".join(API_CLIENTS[name][1]) if is_client else "full",
        "lifetime": 600,
        "auth_time": None if is_client else int(time.time()),
        "amr": () if is_client else ("pwd",),
    }
    return get_vault().access_tokens.issue_access_token(id_of(name), **{**claims, **changes})


@dataclass
class AuthenticatedClient:
    """An HTTP client that sends the access token of a user or an API client."""

    name: str
    http: httpx.AsyncClient
    token: str

    @property
    def id(self) -> uuid.UUID:
        return id_of(self.name)

    async def request(
        self, method: str, path: str, *, etag: str | None = None, key: str | None = None, **options: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", **(options.pop("headers", None) or {})}
        if etag is not None:
            headers["if-match"] = etag
        if key is not None or (method == "POST" and self.name in API_CLIENTS):
            headers["idempotency-key"] = key or uuid.uuid4().hex
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=json, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("PATCH", path, json=json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("PUT", path, json=json, **options)

    async def open_matches(self, path: str) -> httpx.Response:
        """List the possible duplicates of a referral, which the gate of its acceptance requires."""
        return await self.get(f"{path}/matches")

    async def act(self, path: str, verb: str, json: Any = None) -> httpx.Response:
        """Perform an act on the current version of a record. Before a referral is accepted, list its matches."""
        if verb == "accept" and path.startswith("/v1/referrals/"):
            await self.open_matches(path)
        record = await self.get(path)
        assert record.status_code == 200, record.text
        return await self.post(f"{path}/{verb}", json=json, etag=record.headers["etag"])


@dataclass
class Scenario:
    """The application with the database of one test. Attributes are clients by name, such as `worker_north`."""

    app: FastAPI
    http: httpx.AsyncClient
    database: Database
    urls: DatabaseUrls
    clients: dict[str, AuthenticatedClient] = field(default_factory=dict)

    def __getattr__(self, name: str) -> AuthenticatedClient:
        if name not in STAFF and name not in API_CLIENTS:
            raise AttributeError(name)
        return self.client_for(name)

    def client_for(self, name: str) -> AuthenticatedClient:
        return self.clients.setdefault(name, AuthenticatedClient(name, self.http, access_token_of(name)))

    async def create_referral(self, by: str = "partner_one", **changes: Any) -> dict[str, Any]:
        """Create a referral as a partner or a member of staff."""
        response = await self.client_for(by).post("/v1/referrals", referral_payload(**changes))
        assert response.status_code == 201, response.text
        referral: dict[str, Any] = response.json()
        return referral

    async def open_case(self, lead: str = "worker_north", **changes: Any) -> dict[str, Any]:
        """Open a case: a partner refers a child, and the supervisor of the lead worker's team accepts the referral."""
        team = STAFF[lead][1][0][0]
        supervisor = self.client_for(f"supervisor_{team}")
        referral = await self.create_referral(**changes)
        path = f"/v1/referrals/{referral['id']}"
        assert (await supervisor.act(path, "acknowledge", {"team_id": str(id_of(team))})).status_code == 200
        acceptance = await supervisor.act(path, "accept", acceptance_payload(lead=lead))
        assert acceptance.status_code == 200, acceptance.text
        case: dict[str, Any] = (await supervisor.get(f"/v1/cases/{acceptance.json()['case_id']}")).json()
        return case

    async def list_access_entries(self, request_id: str) -> list[dict[str, Any]]:
        """Return the access entries of a request, as the data protection officer."""
        response = await self.dpo.get("/v1/audit/accesses", params={"request_id": request_id, "limit": 200})
        assert response.status_code == 200, response.text
        items: list[dict[str, Any]] = response.json()["items"]
        return items


def referral_payload(**changes: Any) -> dict[str, Any]:
    """Return the payload of a partner's referral. `changes` replace top-level fields."""
    payload: dict[str, Any] = {
        "external_id": f"T-{uuid.uuid4()}",
        "urgency": "urgent",
        "concern": {
            "kind": "survivor",
            "summary": "Told a teacher.",
            "child_is_safe_now": True,
            "reported_to": ["police"],
        },
        "child": {
            "names": [{"script": "latin", "family": "Keo", "given": f"Test{uuid.uuid4().hex[:6]}"}],
            "sex": "male",
            "birth": {"date": "2015-05-04", "precision": "day"},
            "place_code": "1710",
            "languages": ["km"],
        },
        "caregiver": {
            "names": [{"script": "latin", "family": "Keo", "given": "Bopha"}],
            "relationship": "mother",
            "phone": {"number": "012 345 678", "owner": "self", "safe_to_call": True},
        },
        "referrer": {"name": "Worker on duty", "position": "social worker"},
        "consent": {
            "given_by": ["child", "caregiver"],
            "method": "oral",
            "on": "2026-01-10",
            "scope": ["services", "share_with_fsc", "follow_up_contact"],
        },
    }
    return {**payload, **changes}


def acceptance_payload(lead: str = "worker_north", **changes: Any) -> Mapping[str, Any]:
    """Return the payload of an acceptance that passes the gate."""
    return {
        "case_kind": "survivor",
        "lead_worker_id": str(id_of(lead)),
        "team_id": str(id_of(STAFF[lead][1][0][0])),
        "screening": {"meets_criteria": True, "reason": None},
        "duplicates_reviewed": True,
        **changes,
    }


def child_ids_in(document: Any) -> set[str]:
    """Return the values of all `child_id` fields in a JSON document."""
    if isinstance(document, list):
        return set().union(*map(child_ids_in, document))
    if not isinstance(document, dict):
        return set()
    child_ids = {document["child_id"]} if document.get("child_id") else set()
    return child_ids.union(*(child_ids_in(value) for value in document.values()))
