"""Sessions are safe from SQL with the password of the API's role: it cannot begin, prolong, revive or list them."""

import os
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.access.refresh_token import RefreshToken
from app.access.session_store import NewSession
from app.models.record import new_id
from tests.support.raw_sql import open_access, open_transaction_as
from tests.support.scenario import Scenario, id_of

BEGIN_SQL = "SELECT access.begin_session($1, $2, $3, $4, $5, $6, $7, $8, NULL, NULL)"
REFRESH_SQL = "SELECT (access.refresh_session($1, $2, $3, $4, 3600)).outcome"
SELECT_SQL = "SELECT s::text FROM sessions s ORDER BY id"
FORBIDDEN_STATEMENTS = (
    (
        "INSERT INTO sessions (id, user_id, created_at, refreshed_at, idle_ends_at, ends_at)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), now(), now(), now(), now())"
    ),
    "UPDATE sessions SET ends_at = now() + interval '1 year'",
    "UPDATE sessions SET revoked_at = NULL",
    "DELETE FROM sessions",
    "TRUNCATE sessions",
    "SELECT refresh_digest FROM sessions",
    "SELECT client_id FROM sessions",
    "SELECT id FROM sessions FOR UPDATE",
    "SELECT * FROM session_keys",
    "INSERT INTO session_keys (id, inner_pad, outer_pad) VALUES (1, 'a', 'b')",
    "UPDATE session_keys SET inner_pad = 'a'",
    "DELETE FROM session_keys",
    "SELECT access.match_refresh_token(NULL, 'a', 'b')",
)


def build_session(**changes: Any) -> NewSession:
    session_id = new_id()
    session = NewSession(
        session_id,
        user_id=id_of("manager"),
        client_id=None,
        seconds=600,
        idle_seconds=60,
        refresh_token=RefreshToken.generate(session_id),
    )
    return session._replace(**changes)


def begin_parameters(session: NewSession, proof: bytes | None) -> list[Any]:
    token = session.refresh_token
    digests = (token.family_digest, token.secret_digest) if token else (None, None)
    ids = (session.id, session.user_id, session.client_id)
    return [*ids, *digests, session.idle_seconds, session.seconds, proof]


@pytest.mark.parametrize("statement", FORBIDDEN_STATEMENTS)
async def test_sessions_cannot_be_written_or_read_by_plain_sql(
    api_connection: Any, superuser_connection: Any, statement: str
) -> None:
    # Catches: GRANT SELECT, INSERT, UPDATE ON sessions TO firststep_api.
    before = await superuser_connection.fetch(SELECT_SQL)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api_connection.execute(statement)
    assert await superuser_connection.fetch(SELECT_SQL) == before


async def test_session_begins_with_the_proof_of_the_key_ring(
    api_connection: Any, superuser_connection: Any
) -> None:
    session = build_session()
    await api_connection.execute(BEGIN_SQL, *begin_parameters(session, session.compute_proof()))
    lifetimes = "SELECT extract(epoch FROM ends_at - created_at) AS s, user_id FROM sessions WHERE id = $1"
    row = await superuser_connection.fetchrow(lifetimes, session.id)
    assert (row["s"], row["user_id"]) == (600, id_of("manager"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": id_of("another session")},
        {"user_id": id_of("admin")},
        {"user_id": None, "client_id": id_of("manager")},
        {"seconds": 6_000_000},
        {"idle_seconds": 6_000_000},
        {"refresh_token": RefreshToken.generate(id_of("another session"))},
        {"refresh_token": None},
    ],
    ids=["id", "user", "kind", "lifetime", "idle time", "token", "no token"],
)
async def test_proof_of_one_session_does_not_begin_another(
    api_connection: Any, superuser_connection: Any, changes: dict[str, Any]
) -> None:
    # Catches: the message of the proof omits one of the fields.
    session = build_session()
    proof = session.compute_proof()
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await api_connection.execute(BEGIN_SQL, *begin_parameters(session._replace(**changes), proof))
    await api_connection.execute(BEGIN_SQL, *begin_parameters(session, proof))
    with pytest.raises(asyncpg.UniqueViolationError):
        await api_connection.execute(BEGIN_SQL, *begin_parameters(session, proof))
    for wrong_proof in (None, b"", os.urandom(32), proof[:31]):
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await api_connection.execute(BEGIN_SQL, *begin_parameters(build_session(), wrong_proof))
    count = "SELECT count(*) FROM sessions WHERE family_digest IS NOT NULL"
    assert await superuser_connection.fetchval(count) == 1


async def test_registered_session_key_cannot_be_replaced(
    api_connection: Any, superuser_connection: Any
) -> None:
    before = await superuser_connection.fetch("SELECT k::text FROM session_keys k")
    assert len(before) == 1
    register = "SELECT access.register_session_key($1, $2)"
    assert await api_connection.fetchval(register, os.urandom(64), os.urandom(64)) is False
    assert await superuser_connection.fetch("SELECT k::text FROM session_keys k") == before


async def test_digests_of_a_stolen_backup_do_not_refresh_a_session(
    api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: access.refresh_session compares a given digest instead of the digest of the given secret.
    session = build_session()
    await api_connection.execute(BEGIN_SQL, *begin_parameters(session, session.compute_proof()))
    row = await superuser_connection.fetchrow("SELECT * FROM sessions WHERE id = $1", session.id)
    for family, secret in (
        (row["family_digest"].hex(), row["refresh_digest"].hex()),
        ("", ""),
        ("A" * 22, "A" * 43),
        (None, None),
    ):
        outcome = await api_connection.fetchval(REFRESH_SQL, session.id, family, secret, os.urandom(32))
        assert outcome == "unknown"
    for other_id in (id_of("nothing"), id_of("session of manager"), id_of("session of partner_one")):
        for text in ("", None):
            outcome = await api_connection.fetchval(REFRESH_SQL, other_id, text, text, os.urandom(32))
            assert outcome == "unknown"
    assert await superuser_connection.fetchrow("SELECT * FROM sessions WHERE id = $1", session.id) == row


async def test_only_own_sessions_are_visible_and_only_in_an_access(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the policy visible_to_user dropped: the ids of other sessions open accesses of other users.
    del scenario
    select = "SELECT id FROM sessions"
    assert await api_connection.fetch(select) == []
    for name, own in (("worker_north", [id_of("session of worker_north")]), ("partner_one", [])):
        async with open_transaction_as(api_connection, name):
            visible: list[UUID] = [row["id"] for row in await api_connection.fetch(select)]
            assert visible == own


async def test_revoked_session_stays_revoked(api_connection: Any, superuser_connection: Any) -> None:
    revoke = "SELECT access.revoke_sessions($1, NULL, 'test')"
    assert await api_connection.fetchval(revoke, id_of("manager")) == 1
    first = await superuser_connection.fetchval("SELECT max(revoked_at) FROM sessions")
    assert await api_connection.fetchval(revoke, id_of("manager")) == 0
    assert await superuser_connection.fetchval("SELECT max(revoked_at) FROM sessions") == first
    access = await open_access(api_connection, "manager")
    assert access.event_id is None


async def test_end_of_a_session_follows_the_clock_of_the_database(
    api_connection: Any, superuser_connection: Any
) -> None:
    session = build_session()
    token = session.refresh_token
    assert token is not None
    await api_connection.execute(BEGIN_SQL, *begin_parameters(session, session.compute_proof()))
    for column in ("idle_ends_at", "ends_at"):
        change = f"UPDATE sessions SET {column} = clock_timestamp() + $2 * interval '1 second' WHERE id = $1"  # noqa: S608 - constants
        await superuser_connection.execute(change, session.id, -1)
        refresh = (session.id, token.family, token.secret, token.derive_successor().secret_digest)
        assert await api_connection.fetchval(REFRESH_SQL, *refresh) == "ended"
        await superuser_connection.execute(change, session.id, 60)
    assert await api_connection.fetchval(REFRESH_SQL, *refresh) == "current"
