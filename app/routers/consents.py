"""The consent register."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.circle import ConsentFilters, ConsentIn, ConsentOut
from app.schemas.referrals import Withdrawal
from app.schemas.wire import Page, PageQuery
from app.services.cases import consents

router = Router(tags=["consents"])


@router.post("/cases/{case_id}/consents", status_code=201)
async def record(
    actor: Annotated[Actor, Depends(Requires(Permission.consent_record))],
    session: Session,
    case_id: UUID,
    body: ConsentIn,
) -> ConsentOut:
    """Enter a consent, a refusal, or the basis for acting without."""
    return await consents.record(session, actor, case_id, body)


@router.get("/cases/{case_id}/consents")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.consent_read))],
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[ConsentOut]:
    """List a case's consents, newest first."""
    return await consents.listed(session, actor, case_id, page)


@router.get("/consents")
async def register(
    actor: Annotated[Actor, Depends(Requires(Permission.consent_read))],
    session: Session,
    filters: Annotated[ConsentFilters, Query()],
) -> Page[ConsentOut]:
    """List the register as far as you see it, newest first."""
    return await consents.register(session, actor, filters)


@router.get("/consents/{consent_id}")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.consent_read))],  # noqa: ARG001 - the door
    session: Session,
    consent_id: UUID,
) -> ConsentOut:
    """Read one consent."""
    return await consents.read(session, consent_id)


@router.post("/consents/{consent_id}/withdraw")
async def withdraw(
    actor: Annotated[Actor, Depends(Requires(Permission.consent_withdraw))],
    session: Session,
    consent_id: UUID,
    seen: Seen,
    body: Withdrawal,
) -> ConsentOut:
    """Withdraw a consent: nothing is shared on it from now on."""
    return await consents.withdraw(session, actor, consent_id, seen, body)
