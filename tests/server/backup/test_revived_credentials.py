"""Sessions, codes and open access events of the time before a restore cannot be used after it."""

import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from app.access.caller import OpenAccess
from app.access.encryption import Cipher
from app.access.keyring import KeyRing
from app.config import Settings
from app.database.urls import get_api_url
from app.models.record import utc_now
from app.server.backup.revived_credentials import end_revived_credentials
from tests.support.backups import BackupBench, list_errors
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import open_access, set_access
from tests.support.scenario import id_of


async def test_revived_credentials_end(bench: BackupBench, cluster: Cluster) -> None:
    source = await bench.create_source("credentials_source")
    ring = KeyRing.load_configured(source)
    superuser = await cluster.connect("credentials_source")
    try:
        await insert_credentials(superuser, Cipher(ring))
        access = await open_access(superuser, "manager")
        paths, _ = await bench.back_up(source, "credentials")
    finally:
        await superuser.close()
    target = await bench.create_target("credentials_target")
    result = await bench.restore(target, paths)
    assert list_errors(result) == []
    assert result.ended is not None
    assert result.ended._asdict() == {
        "sessions": 14, "calendar_feeds": 1, "one_time_codes": 1, "pending_changes": 1, "recovery_codes": 1,
    }  # fmt: skip
    assert "14 sessions, 1 calendar feeds" in result.describe()
    restored = await cluster.connect("credentials_target")
    try:
        await check_credentials_ended(restored, Cipher(ring))
    finally:
        await restored.close()
    api = await asyncpg.connect(get_api_url(target))
    try:
        assert (await open_access(api, "manager")).event_id is None
        await expect_access_not_open(api, access)
    finally:
        await api.close()


async def insert_credentials(superuser: Any, cipher: Cipher) -> None:
    user, later = id_of("dpo"), utc_now() + timedelta(days=2)
    totp = {"secret": "SECRET", "recovery": ["ab" * 32], "pending": "PENDING"}
    encrypted = cipher.encrypt(totp, table="users", column="totp_encrypted", row_id=user)
    await superuser.execute(
        "UPDATE users SET initial_password_expires_at = $1, activation_expires_at = $1, totp_encrypted = $2,"
        " totp_last_step = 5, totp_confirmed_at = now() WHERE id = $3",
        later, encrypted, user,
    )  # fmt: skip
    await superuser.execute(
        "INSERT INTO calendar_feeds (id, created_at, version, user_id, token_digest, name, language)"
        " VALUES ($1, now(), 1, $2, '\\x01', 'Phone', 'en')",
        uuid.uuid4(), user,
    )  # fmt: skip
    await superuser.execute(
        "INSERT INTO pending_changes (id, created_at, version, kind, requested_by_id, person_id, payload, expires_at, status)"
        " VALUES ($1, now(), 1, 'reactivation', $2, $3, '{}', $4, 'pending')",
        uuid.uuid4(), id_of("admin"), user, later,
    )  # fmt: skip


async def check_credentials_ended(restored: Any, cipher: Cipher) -> None:
    # Catches: each statement of `end_revived_credentials` removed.
    user = await restored.fetchrow(
        "SELECT *, clock_timestamp() AS now FROM users WHERE id = $1", id_of("dpo")
    )
    assert user["initial_password_expires_at"] < user["now"]
    assert user["activation_expires_at"] < user["now"]
    assert user["totp_last_step"] >= int(user["now"].timestamp()) // 30 - 2
    totp = cipher.decrypt(user["totp_encrypted"], table="users", column="totp_encrypted", row_id=id_of("dpo"))
    assert totp == {"secret": "SECRET", "recovery": [], "pending": None}
    for query in (
        "SELECT count(*) FROM sessions WHERE revoked_at IS NULL OR revoked_because <> 'restored'",
        "SELECT count(*) FROM calendar_feeds WHERE revoked_at IS NULL",
        "SELECT count(*) FROM pending_changes WHERE expires_at > clock_timestamp()",
        "SELECT count(*) FROM access_log_scans WHERE unassigned_xid < '18446744073709551615'",
    ):
        assert await restored.fetchval(query) == 0, query


@pytest.mark.parametrize("xid", ["3", "99999999999"], ids=["smaller xid", "larger xid"])
async def test_accesses_of_the_old_cluster_are_not_open(
    bench: BackupBench, source: Settings, cluster: Cluster, xid: str
) -> None:
    """A dump without the option for unlogged tables contains the contexts of accesses that were open."""
    # Catches: END_ACCESSES_SQL removed.
    name = f"accesses_{xid}"
    settings = await bench.create_source(name)
    superuser, api = await cluster.connect(name), await asyncpg.connect(get_api_url(settings))
    try:
        access = await open_access(api, "manager")
        await superuser.execute("UPDATE access_contexts SET xid = $1::text::xid8", xid)
        async with api.transaction():
            await set_access(api, access)
            assert await api.fetchval("SELECT count(*) FROM access.context()") == 1, "the danger exists"
        await end_revived_credentials(superuser, KeyRing.load_configured(source))
        await expect_access_not_open(api, access)
    finally:
        await api.close()
        await superuser.close()


async def expect_access_not_open(api: Any, access: OpenAccess) -> None:
    async with api.transaction():
        await set_access(api, access)
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            await api.fetchval("SELECT count(*) FROM access.context()")
