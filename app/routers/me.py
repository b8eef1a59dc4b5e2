"""Endpoints of the caller's own account."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    AccountActivator,
    AccountOwner,
    AccountSessionEnder,
    PasswordChanger,
    SecondFactorConfirmer,
    SecondFactorEnroller,
    SecondFactorRemover,
)
from app.http.route import Router
from app.http.session import Reader, Session
from app.http.sign_in_context import CurrentSignInContext
from app.schemas.sign_in import (
    AccountActivation,
    Me,
    PasswordChange,
    Reauthentication,
    TotpConfirmation,
    TotpEnrolment,
    TotpRecoveryCodes,
    UserSessionList,
)
from app.schemas.wire import PageQuery
from app.services.accounts import own_account, second_factors, sessions

router = Router(prefix="/me", tags=["account"])


@router.get("")
async def get_me(caller: AccountOwner, reader: Reader) -> Me:
    """Get the caller's account.

    The account contains the roles, teams and permissions of the caller, and whether a second factor is required.
    """
    return await own_account.get_me(reader, caller)


@router.post("/password", status_code=204)
async def change_my_password(
    caller: PasswordChanger, session: Session, context: CurrentSignInContext, payload: PasswordChange
) -> None:
    """Change the caller's password.

    With a second factor, the request also needs a code. Every other session of the caller ends, and the calendar feeds
    are revoked. Failed attempts are throttled.
    """
    await own_account.change_password(session, context, caller, payload)


@router.post("/activate", status_code=204)
async def activate_my_account(
    caller: AccountActivator,
    session: Session,
    context: CurrentSignInContext,
    payload: AccountActivation,
) -> None:
    """Enter the activation code of the caller's account.

    The caller gets the code from the person who confirmed the new roles or the password reset. The roles take effect with
    the next request. The code is used once and expires after seven days. Wrong codes are throttled.
    """
    await own_account.activate_account(session, context, caller, payload)


@router.get("/sessions")
async def list_my_sessions(
    caller: AccountOwner, reader: Reader, page: Annotated[PageQuery, Query()]
) -> UserSessionList:
    """List the caller's active sessions, newest first.

    `current` marks the session of this request.
    """
    return await sessions.list_own_sessions(reader, caller, page)


@router.delete("/sessions", status_code=204)
async def delete_my_sessions(caller: AccountSessionEnder, session: Session) -> None:
    """End all sessions of the caller.

    The current session ends too, and the calendar feeds of the caller are revoked.
    """
    await sessions.end_own_sessions(session, caller)


@router.delete("/sessions/{session_id}", status_code=204)
async def delete_my_session(caller: AccountSessionEnder, session: Session, session_id: UUID) -> None:
    """End one session of the caller.

    The access tokens of the session are rejected from the next request on.
    """
    await sessions.end_own_session(session, caller, session_id)


@router.post("/mfa/totp", status_code=201)
async def enrol_totp(
    caller: SecondFactorEnroller, session: Session, context: CurrentSignInContext, payload: Reauthentication
) -> TotpEnrolment:
    """Generate a TOTP secret for a second factor.

    The password proves the identity of the caller, together with a code of the current second factor, if there is one. The
    new second factor replaces the current one when its first code is confirmed. Another request replaces an unconfirmed
    secret.
    """
    return await second_factors.enroll_second_factor(session, context, caller, payload)


@router.post("/mfa/totp/confirm")
async def confirm_totp(
    caller: SecondFactorConfirmer, session: Session, payload: TotpConfirmation
) -> TotpRecoveryCodes:
    """Confirm the second factor with its first code.

    The response contains new recovery codes, which are not shown again. Every other session of the caller ends. Refresh
    the session to replace an access token that only allows setting up a second factor.
    """
    return await second_factors.confirm_second_factor(session, caller, payload)


@router.delete("/mfa/totp", status_code=204)
async def delete_totp(
    caller: SecondFactorRemover, session: Session, context: CurrentSignInContext, payload: Reauthentication
) -> None:
    """Remove the caller's second factor.

    The password and a code prove the identity of the caller. Every session of the caller ends, including the current one.
    """
    await second_factors.remove_second_factor(session, context, caller, payload)
