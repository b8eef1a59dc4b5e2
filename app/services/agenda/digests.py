"""The daily e-mail with numbers of the agenda, and the settings with which a user switches it on.

The e-mail contains numbers and a link, and nothing about a child. A periodic job adds one job per recipient and day. That job
opens an access for the user, with a secret that only the key ring can compute, and counts as `GET /v1/me/counts` does.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import LargeBinary, bindparam, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, session_reader
from app.access.vault import get_vault
from app.config import Settings, get_settings
from app.database.engine import Database
from app.errors import StaleVersion
from app.kit import mail
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.kit.jobs import JobKind, enqueue_job
from app.kit.list_query import COUNTED
from app.kit.pending_changes import call_function
from app.models import User, UserSetting
from app.models.record import utc_now
from app.schemas.agenda import OwnSettings, OwnSettingsReplacement
from app.services.agenda import agenda
from app.services.agenda.disbursement_sources import DisbursementArms, list_disbursement_arms
from app.services.agenda.sources import AgendaRole, build_entries

FIRST_HOUR = 7
"""Hour in Cambodia from which on the e-mails of a day are sent."""
OPEN_DIGEST_SQL = "SELECT * FROM access.open_digest($1, $2, $3)"
SETTINGS_QUERY = ReadQuery(
    select(*(getattr(UserSetting, name) for name in ("version", "agenda_digest", "language"))).where(
        col(UserSetting.user_id) == bindparam("user_id")
    )
)
SUBJECTS = {"en": "Your agenda in First Step", "km": "កិច្ចការរបស់អ្នកក្នុងប្រព័ន្ធ First Step"}
BODIES = {
    "en": """\
Emergencies: {emergencies}
Overdue: {overdue}
Due today: {due_today}
Waiting for your decision: {approvals}
On your agenda: {agenda}

Sign in to read it:
{url}
""",
    "km": """\
ករណីបន្ទាន់៖ {emergencies}
ហួសកាលកំណត់៖ {overdue}
ត្រូវធ្វើនៅថ្ងៃនេះ៖ {due_today}
រង់ចាំការសម្រេចរបស់អ្នក៖ {approvals}
កិច្ចការទាំងអស់របស់អ្នក៖ {agenda}

សូមចូលប្រើប្រាស់ប្រព័ន្ធដើម្បីអាន៖
{url}
""",
}


async def get_own_settings(reader: RecordReader, caller: Caller) -> OwnSettings:
    """Return the settings of the caller, or the defaults."""
    row = await reader.fetch_one(SETTINGS_QUERY, user_id=caller.id)
    if row is None:
        return OwnSettings(id=caller.id, version=1, agenda_digest=False, language="en")
    return OwnSettings(id=caller.id, **row._asdict())


async def replace_own_settings(
    session: AsyncSession, caller: Caller, expected_version: int, payload: OwnSettingsReplacement
) -> OwnSettings:
    """Replace the settings of the caller.

    Raises:
        StaleVersion: the settings were changed since the caller read them.
    """
    secret_hash = hashlib.sha256(_compute_secret(caller.id)).digest() if payload.agenda_digest else None
    call = func.access.replace_own_settings(
        expected_version, payload.language, literal(secret_hash, LargeBinary)
    )
    if await call_function(session, call) is None:
        raise StaleVersion
    return await get_own_settings(session_reader(session), caller)


def _compute_secret(user_id: UUID) -> bytes:
    return get_vault().blind_index.compute_digest(b"digest", user_id.bytes)


async def schedule_digests(session: AsyncSession, _: Mapping[str, Any]) -> None:
    """Add a job for each user whose e-mail of the day is not scheduled yet. Nothing is added without a mail server."""
    if get_settings().smtp_url is None or utc_now().astimezone(CAMBODIA_TIMEZONE).hour < FIRST_HOUR:
        return
    due = (
        update(UserSetting)
        .where(
            col(UserSetting.agenda_digest),
            or_(col(UserSetting.digest_sent_on).is_(None), col(UserSetting.digest_sent_on) < today()),
        )
        .values(digest_sent_on=today())
        .returning(col(UserSetting.user_id))
    )
    for user_id in await session.scalars(due):
        enqueue_job(session, DIGEST_MAIL, {"user_id": str(user_id)})


async def send_digest(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Send the e-mail to one user, unless the user is not active, has switched it off, or has an empty agenda."""
    user_id, settings = UUID(payload["user_id"]), get_settings()
    query = select(col(User.email), col(UserSetting.language)).join(
        UserSetting, col(UserSetting.user_id) == col(User.id)
    )
    recipient = (
        await session.execute(
            query.where(col(User.id) == user_id, col(User.is_active), col(UserSetting.agenda_digest))
        )
    ).one_or_none()
    if recipient is None or settings.smtp_url is None:
        return
    counts = await _count_agenda(session, user_id)
    if counts["agenda"]:
        message = build_digest_message(settings, recipient.email, recipient.language, counts)
        await mail.send_message(settings, message)


async def _count_agenda(session: AsyncSession, user_id: UUID) -> Mapping[str, int]:
    """Count the agenda of a user with a separate access and a separate connection."""
    url = session.get_bind().engine.url.render_as_string(hide_password=False)
    database = Database(url, pool_size=1)
    try:
        async with database.engine.begin() as connection:
            parameters = (user_id, _compute_secret(user_id), uuid4().hex)
            opened = (await connection.exec_driver_sql(OPEN_DIGEST_SQL, parameters)).mappings().one()
        if opened["event_id"] is None:
            return {"agenda": 0}
        caller = Caller.from_opened_access(
            dict(opened), subject_id=user_id, kind="person", session_id=user_id
        )
        async with database.session_factory() as counting:
            await log.bind_access(counting, caller.access)
            counts = await count_entries(session_reader(counting), caller)
            await log.conclude_access_in_session(counting, caller.access, "allowed", 200)
            await counting.commit()
    finally:
        await database.engine.dispose()
    return counts


async def count_entries(reader: RecordReader, caller: Caller) -> Mapping[str, int]:
    """Count the agenda entries of a caller for the numbers of the e-mail."""
    roles = agenda.list_agenda_roles(caller)
    if not roles:
        return {"agenda": 0}
    parameters = await agenda.get_agenda_parameters(reader, caller)
    query = _build_count_query(roles, list_disbursement_arms(caller))
    counts: dict[str, int] = (await reader.fetch_required(query, **parameters))._asdict()
    return counts


@lru_cache
def _build_count_query(roles: tuple[AgendaRole, ...], arms: DisbursementArms) -> ReadQuery:
    entries = build_entries(roles, arms)
    query = select(
        func.count().label("agenda"),
        func.count().filter(entries.c.rank == 0).label("emergencies"),
        func.count().filter(entries.c.is_overdue).label("overdue"),
        func.count().filter(entries.c.due_on == bindparam("day")).label("due_today"),
        func.count().filter(entries.c.kind == "approval").label("approvals"),
    )
    return ReadQuery(query.select_from(entries), shows=COUNTED)


def build_digest_message(
    settings: Settings, address: str, language: str, counts: Mapping[str, int]
) -> EmailMessage:
    """Return the e-mail. It contains numbers and the address of the server only."""
    body = BODIES[language].format(**counts, url=settings.issuer)
    return mail.build_message(settings, address, SUBJECTS[language], body)


DIGEST_SCHEDULE = JobKind("digest_schedule", schedule_digests, period=timedelta(minutes=15))
DIGEST_MAIL = JobKind("digest_mail", send_digest)
