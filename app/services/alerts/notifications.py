"""Notify the recipients of alerts by e-mail. The e-mail contains nothing about the alert."""

from collections.abc import Collection, Mapping
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.permissions import Role
from app.config import Settings, get_settings
from app.kit import mail
from app.kit.jobs import JobKind, enqueue_job
from app.models import TeamMember, User

SUBJECT = "You have a new alert in First Step"
BODY = """\
You have a new alert in First Step. Sign in to read it:
{url}

អ្នកមានការជូនដំណឹងថ្មីមួយក្នុងប្រព័ន្ធ First Step។ សូមចូលប្រើប្រាស់ប្រព័ន្ធដើម្បីអាន៖
{url}
"""


async def notify_recipients(
    session: AsyncSession, team_ids: Collection[UUID] = (), *, except_user_id: UUID | None = None
) -> None:
    """Add a job for an e-mail to each data protection officer and each supervisor of the teams.

    Nothing is added if e-mail is not configured.
    """
    if get_settings().smtp_url is None:
        return
    supervisors = select(col(TeamMember.user_id)).where(
        col(TeamMember.team_id).in_(team_ids), col(TeamMember.is_supervisor)
    )
    is_recipient = or_(
        _has_role(Role.data_protection_officer), _has_role(Role.supervisor) & col(User.id).in_(supervisors)
    )
    for user_id in await session.scalars(select(col(User.id)).where(col(User.is_active), is_recipient)):
        if user_id != except_user_id:
            enqueue_job(session, ALERT_MAIL, {"user_id": str(user_id)})


def _has_role(role: Role) -> Any:
    return literal(role.value) == any_(col(User.roles))


async def send_alert_mail(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Send the e-mail to one user, unless the user is not active any longer."""
    address = await session.scalar(
        select(col(User.email)).where(col(User.id) == UUID(payload["user_id"]), col(User.is_active))
    )
    settings = get_settings()
    if address is not None and settings.smtp_url is not None:
        await mail.send_message(settings, build_alert_message(settings, address))


def build_alert_message(settings: Settings, address: str) -> EmailMessage:
    """Return the e-mail about an alert. Every alert has the same text."""
    return mail.build_message(settings, address, SUBJECT, BODY.format(url=settings.issuer))


ALERT_MAIL = JobKind("alert_mail", send_alert_mail)
