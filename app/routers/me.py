"""One's own account."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    AccountOwner,
    AccountSessionEnder,
    PasswordChanger,
    SecondFactorConfirmer,
    SecondFactorEnroller,
    SecondFactorRemover,
)
from app.http.route import Router
from app.http.session import Session
from app.http.sign_in_context import CurrentSignInContext
from app.schemas.sign_in import (
    Me,
    PasswordChange,
    RecoveryCodes,
    TotpConfirmation,
    TotpEnrolment,
    TotpRemoval,
    UserSession,
)
from app.schemas.wire import Page, PageQuery
from app.services.accounts import own_account as accounts
from app.services.accounts import second_factors, sessions

router = Router(prefix="/me", tags=["account"])


@router.get("")
async def get_me(caller: AccountOwner, session: Session) -> Me:
    """Say who I am here, and what I may do."""
    return await accounts.get_me(session, caller)


@router.post("/password", status_code=204)
async def change_my_password(
    caller: PasswordChanger,
    session: Session,
    context: CurrentSignInContext,
    payload: PasswordChange,
) -> None:
    """Choose another password; every other sign-in ends. Asks for a recent sign-in."""
    await accounts.change_password(session, context, caller, payload)


@router.get("/sessions")
async def list_my_sessions(
    caller: AccountOwner,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[UserSession]:
    """List where I am signed in, newest first."""
    return await sessions.list_own_sessions(session, caller, page)


@router.delete("/sessions", status_code=204)
async def delete_my_sessions(caller: AccountSessionEnder, session: Session) -> None:
    """Sign me out everywhere, here too; my calendar feeds end with it."""
    await sessions.revoke_sessions(session, caller.id, "ended_by_person")


@router.delete("/sessions/{session_id}", status_code=204)
async def delete_my_session(
    caller: AccountSessionEnder,
    session: Session,
    session_id: UUID,
) -> None:
    """Sign me out somewhere."""
    await sessions.end_own_session(session, caller, session_id)


@router.post("/mfa/totp", status_code=201)
async def enrol_totp(
    caller: SecondFactorEnroller,
    session: Session,
) -> TotpEnrolment:
    """Begin to set up a second factor: the secret for an authenticator app. Asks for a recent sign-in."""
    return await second_factors.enroll_second_factor(session, caller)


@router.post("/mfa/totp/confirm")
async def confirm_totp(
    caller: SecondFactorConfirmer,
    session: Session,
    payload: TotpConfirmation,
) -> RecoveryCodes:
    """Confirm the second factor by its first code; the recovery codes are shown once. Refresh for a full token."""
    return await second_factors.confirm_second_factor(session, caller, payload)


@router.delete("/mfa/totp", status_code=204)
async def delete_totp(
    caller: SecondFactorRemover,
    session: Session,
    context: CurrentSignInContext,
    payload: TotpRemoval,
) -> None:
    """Remove the second factor, with the password or a code. Asks for a recent sign-in."""
    await second_factors.remove_second_factor(session, context, caller, payload)
