"""End the records that a restored database would make valid again: sessions, codes, open access events, changes.

The database does not know what ended after the backup. Everything that a person or program could use again therefore ends.
"""

import time
from typing import NamedTuple

import asyncpg

from app.access.encryption import Cipher
from app.access.keyring import KeyRing
from app.access.second_factor import STEP_SECONDS

END_SESSIONS_SQL = """
    UPDATE sessions SET revoked_at = clock_timestamp(), revoked_because = 'restored' WHERE revoked_at IS NULL
"""
END_FEEDS_SQL = "UPDATE calendar_feeds SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL"
EXPIRE_CODES_SQL = """
    UPDATE users
       SET initial_password_expires_at = least(initial_password_expires_at, clock_timestamp()),
           activation_expires_at = least(activation_expires_at, clock_timestamp())
     WHERE initial_password_expires_at > clock_timestamp() OR activation_expires_at > clock_timestamp()
"""
EXPIRE_CHANGES_SQL = """
    UPDATE pending_changes SET expires_at = clock_timestamp()
     WHERE status = 'pending' AND expires_at > clock_timestamp()
"""
END_ACCESSES_SQL = "TRUNCATE access_contexts"
RESTART_LOG_SEARCH_SQL = "UPDATE access_log_scans SET unassigned_xid = '18446744073709551615'"
"""The transaction ids of the new cluster are not comparable with those of the old one (see access.raise_alerts)."""
SECOND_FACTORS_SQL = "SELECT id, totp_encrypted FROM users WHERE totp_encrypted IS NOT NULL FOR UPDATE"
UPDATE_SECOND_FACTOR_SQL = """
    UPDATE users SET totp_encrypted = $2, totp_last_step = greatest(totp_last_step, $3) WHERE id = $1
"""


class EndedCredentials(NamedTuple):
    """Number of ended credentials by kind."""

    sessions: int
    calendar_feeds: int
    one_time_codes: int
    """Users whose initial password or activation code ended."""
    pending_changes: int
    recovery_codes: int
    """Users whose recovery codes ended."""

    def describe(self) -> str:
        """Return a sentence for the operator."""
        return (
            f"Ended: {self.sessions} sessions, {self.calendar_feeds} calendar feeds, one-time codes of "
            f"{self.one_time_codes} users, recovery codes of {self.recovery_codes} users, and {self.pending_changes} "
            "requested changes."
        )


async def end_revived_credentials(connection: asyncpg.Connection, ring: KeyRing) -> EndedCredentials:
    """End sessions, calendar feeds, one-time codes and requested changes of a restored database, in one transaction."""
    async with connection.transaction():
        await connection.execute(END_ACCESSES_SQL)
        await connection.execute(RESTART_LOG_SEARCH_SQL)
        return EndedCredentials(
            sessions=await _count_updated(connection, END_SESSIONS_SQL),
            calendar_feeds=await _count_updated(connection, END_FEEDS_SQL),
            one_time_codes=await _count_updated(connection, EXPIRE_CODES_SQL),
            pending_changes=await _count_updated(connection, EXPIRE_CHANGES_SQL),
            recovery_codes=await _remove_recovery_codes(connection, ring),
        )


async def _count_updated(connection: asyncpg.Connection, statement: str) -> int:
    """Execute an UPDATE and return the number of its rows."""
    status: str = await connection.execute(statement)
    return int(status.removeprefix("UPDATE "))


async def _remove_recovery_codes(connection: asyncpg.Connection, ring: KeyRing) -> int:
    """Remove the recovery codes and unconfirmed secrets of all second factors, and reject codes of past moments."""
    cipher = Cipher(ring)
    step = int(time.time()) // STEP_SECONDS
    removed = 0
    for user_id, encrypted in await connection.fetch(SECOND_FACTORS_SQL):
        totp = cipher.decrypt(encrypted, table="users", column="totp_encrypted", row_id=user_id)
        removed += bool(totp["recovery"])
        totp |= {"recovery": [], "pending": None}
        content = cipher.encrypt(totp, table="users", column="totp_encrypted", row_id=user_id)
        await connection.execute(UPDATE_SECOND_FACTOR_SQL, user_id, content, step)
    return removed
