"""A FastAPI and SQLModel application as a typical team would write it, neither tuned nor slowed down.

Each request uses an ORM, a response_model, python-jose, the row of the user, an audit row and a commit. The guarantees are
much weaker than those of First Step: nothing is encrypted, there are no row policies, and a read is logged in one row.

`python -m bench.plain` creates the tables.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt
from pydantic import BaseModel
from sqlalchemy import ARRAY, DateTime, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Mapped, selectinload
from sqlmodel import Field, Relationship, SQLModel, col, select

SECRET = os.environ["BENCH_PLAIN_SECRET"]
engine = create_async_engine(os.environ["BENCH_PLAIN_URL"])
session_factory = async_sessionmaker(engine, expire_on_commit=False)


def utc_now() -> datetime:
    return datetime.now(UTC)


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(unique=True)
    role: str
    team_id: UUID | None = None
    agency_id: UUID | None = None


class AuditLog(SQLModel, table=True):
    __tablename__ = "audit_log"

    id: int | None = Field(default=None, primary_key=True)
    user_id: UUID = Field(foreign_key="users.id", index=True)
    action: str
    record_id: UUID | None = None
    at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))


class ChildBase(SQLModel):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    sex: str
    nickname: str | None = None
    birth_date: date
    names: list[dict[str, Any]] = Field(sa_type=JSONB)


class Child(ChildBase, table=True):
    __tablename__ = "children"


class CaseBase(SQLModel):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    version: int = 1
    number: str = Field(unique=True)
    child_id: UUID = Field(foreign_key="children.id", index=True)
    kind: str
    status: str
    team_id: UUID = Field(index=True)
    lead_worker_id: UUID = Field(foreign_key="users.id", index=True)
    co_worker_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    referral_id: UUID | None = None
    previous_case_id: UUID | None = None
    opened_on: date
    closed_on: date | None = None
    next_review_on: date | None = None
    extended_until: date | None = None
    age_at_referral_min: int
    age_at_referral_max: int
    province_code: str | None = None
    summary: str | None = None
    created_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True), index=True)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))


class Case(CaseBase, table=True):
    __tablename__ = "cases"

    child: Mapped[Child] = Relationship()


class CaseRead(CaseBase):
    child: ChildBase


class CaseItem(SQLModel):
    id: UUID
    version: int
    number: str
    child_id: UUID
    child: ChildBase
    kind: str
    status: str
    team_id: UUID
    lead_worker_id: UUID
    opened_on: date
    closed_on: date | None
    next_review_on: date | None
    province_code: str | None
    created_at: datetime
    updated_at: datetime


class CasePage(SQLModel):
    items: list[CaseItem]
    next_offset: int | None


class ConcernIn(BaseModel):
    kind: str
    summary: str
    period: str | None = None
    child_is_safe_now: bool | None = None
    reported_to: list[str] = []


class NameIn(BaseModel):
    script: str
    family: str | None = None
    given: str | None = None


class BirthIn(BaseModel):
    date: date
    precision: str


class PhoneIn(BaseModel):
    number: str
    owner: str | None = None
    safe_to_call: bool | None = None


class PersonIn(BaseModel):
    names: list[NameIn] = []
    phone: PhoneIn | None = None
    place_code: str | None = None
    address_detail: str | None = None


class ChildIn(PersonIn):
    nickname: str | None = None
    sex: str | None = None
    birth: BirthIn
    languages: list[str] = []


class CaregiverIn(PersonIn):
    relationship: str | None = None
    knows_of_referral: bool | None = None


class ReferralIn(BaseModel):
    external_id: str
    urgency: str
    concern: ConcernIn
    child: ChildIn
    caregiver: CaregiverIn | None = None
    referrer: dict[str, str] | None = None
    consent: dict[str, Any]
    services_already_given: list[str] = []


class ReferralBase(SQLModel):
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    external_id: str = Field(unique=True)
    tracking_number: str = Field(default_factory=lambda: f"R-{uuid4().hex[:8].upper()}", unique=True)
    status: str = "received"
    received_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=utc_now, sa_type=DateTime(timezone=True))
    decline_reason_code: str | None = None


class Referral(ReferralBase, table=True):
    __tablename__ = "referrals"

    agency_id: UUID = Field(index=True)
    urgency: str
    concern: dict[str, Any] = Field(sa_type=JSONB)
    child: dict[str, Any] = Field(sa_type=JSONB)
    caregiver: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    referrer: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    consent: dict[str, Any] = Field(sa_type=JSONB)
    services_already_given: list[str] = Field(sa_type=JSONB)


app = FastAPI(title="Plain")
bearer = OAuth2PasswordBearer(tokenUrl="token")


async def get_session() -> AsyncIterator[AsyncSession]:
    async with session_factory() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


async def current_user(token: Annotated[str, Depends(bearer)], session: Session) -> User:
    try:
        payload = jwt.decode(token, SECRET, algorithms=["HS256"])
        user = await session.get(User, UUID(payload["sub"]))
    except (JWTError, KeyError, ValueError):
        user = None
    if user is None:
        raise HTTPException(401, "Could not validate credentials")
    return user


CurrentUser = Annotated[User, Depends(current_user)]


@app.get("/readyz")
async def get_readiness() -> dict[str, str]:
    return {"status": "ready"}


@app.get("/v1/cases/{case_id}", response_model=CaseRead)
async def get_case(case_id: UUID, user: CurrentUser, session: Session) -> Case:
    query = select(Case).where(Case.id == case_id).options(selectinload(Case.child))
    case = (await session.execute(query)).scalar_one_or_none()
    if case is None or (case.team_id != user.team_id and case.lead_worker_id != user.id):
        raise HTTPException(404, "Case not found")
    session.add(AuditLog(user_id=user.id, action="case.read", record_id=case.id))
    await session.commit()
    return case


@app.get("/v1/cases", response_model=CasePage)
async def list_cases(user: CurrentUser, session: Session, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    query = (
        select(Case)
        .where(Case.team_id == user.team_id)
        .options(selectinload(Case.child))
        .order_by(col(Case.created_at).desc())
        .offset(offset)
        .limit(limit)
    )
    cases = (await session.execute(query)).scalars().all()
    session.add(AuditLog(user_id=user.id, action="case.list"))
    await session.commit()
    return {"items": cases, "next_offset": offset + limit if len(cases) == limit else None}


@app.post("/v1/referrals", response_model=ReferralBase, status_code=201)
async def create_referral(body: ReferralIn, user: CurrentUser, session: Session) -> Referral:
    if user.agency_id is None:
        raise HTTPException(403, "Partners only")
    referral = Referral(**body.model_dump(mode="json"), agency_id=user.agency_id)
    session.add(referral)
    session.add(AuditLog(user_id=user.id, action="referral.create", record_id=referral.id))
    await session.commit()
    await session.refresh(referral)
    return referral


async def create_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(create_tables())
