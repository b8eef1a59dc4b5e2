"""An invented First Step: two teams, somebody in every role, two partners and a script; all with real tokens."""

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
    """Every invented thing has an id that follows from its name."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.first-step.test")


async def insert_organization(session: AsyncSession) -> None:
    """Write the invented organisation."""
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
        session.add_all(TeamMember(team_id=id_of(t), user_id=id_of(name), is_supervisor=s) for t, s in teams)
        session.add(_build_session(name, user_id=id_of(name)))
    session.add_all(_build_session(name, client_id=id_of(name)) for name in API_CLIENTS)
    await session.commit()


def _build_session(
    name: str, user_id: uuid.UUID | None = None, client_id: uuid.UUID | None = None
) -> AuthSession:
    end = utc_now() + timedelta(days=1)
    return AuthSession(
        id=id_of(f"session of {name}"), user_id=user_id, client_id=client_id, idle_ends_at=end, ends_at=end
    )


def access_token_of(name: str, **changes: Any) -> str:
    """A real access token of somebody."""
    machine = name in API_CLIENTS
    said: dict[str, Any] = {
        "kind": "client" if machine else "person",
        "session_id": id_of(f"session of {name}"),
        "scope": " ".join(API_CLIENTS[name][1]) if machine else "full",
        "lifetime": 600,
        "auth_time": None if machine else int(time.time()),
        "amr": () if machine else ("pwd",),
    }
    return get_vault().access_tokens.issue_access_token(id_of(name), **{**said, **changes})


@dataclass
class AuthenticatedClient:
    """Somebody with a token and an HTTP client."""

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

    async def act(self, path: str, verb: str, json: Any = None) -> httpx.Response:
        """Read a record for its version, then do something to it."""
        seen = await self.get(path)
        assert seen.status_code == 200, seen.text
        return await self.post(f"{path}/{verb}", json=json, etag=seen.headers["etag"])


@dataclass
class Scenario:
    """One test's own First Step."""

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
        """Somebody tells of a child."""
        answer = await self.client_for(by).post("/v1/referrals", referral_payload(**changes))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def open_case(self, lead: str = "worker_north", **changes: Any) -> dict[str, Any]:
        """A case, opened as cases are: referred, acknowledged, accepted by the supervisor of the lead's team."""
        team = STAFF[lead][1][0][0]
        supervisor = self.client_for(f"supervisor_{team}")
        told = await self.create_referral(**changes)
        path = f"/v1/referrals/{told['id']}"
        assert (await supervisor.act(path, "acknowledge", {"team_id": str(id_of(team))})).status_code == 200
        accepted = await supervisor.act(path, "accept", acceptance_payload(lead=lead))
        assert accepted.status_code == 200, accepted.text
        found: dict[str, Any] = (await supervisor.get(f"/v1/cases/{accepted.json()['case_id']}")).json()
        return found

    async def list_access_entries(self, request_id: str) -> list[dict[str, Any]]:
        """What the log holds of a request, as the data protection officer reads it."""
        answer = await self.dpo.get("/v1/audit/accesses", params={"request_id": request_id, "limit": 200})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


def referral_payload(**changes: Any) -> dict[str, Any]:
    """A referral as a partner sends it; `changes` replace whole fields."""
    told: dict[str, Any] = {
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
            "scope": ["services", "share_with_fsc"],
        },
    }
    return {**told, **changes}


def acceptance_payload(lead: str = "worker_north", **changes: Any) -> Mapping[str, Any]:
    """Everything the gate asks for."""
    return {
        "case_kind": "survivor",
        "lead_worker_id": str(id_of(lead)),
        "team_id": str(id_of(STAFF[lead][1][0][0])),
        "screening": {"meets_criteria": True, "reason": None},
        "duplicates_reviewed": True,
        **changes,
    }


def child_ids_in(document: Any) -> set[str]:
    """The children an answer shows."""
    if isinstance(document, list):
        return set().union(*map(child_ids_in, document))
    if not isinstance(document, dict):
        return set()
    own = {document["child_id"]} if document.get("child_id") else set()
    return own.union(*(child_ids_in(value) for value in document.values()))
