"""The findings of the doctor, each against a real database."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.config import Settings
from app.database.connections import connect, is_local
from app.database.embedded import ADMIN_ROLE
from app.database.schema_revision import get_newest_revision, get_schema_revision, validate_newer_revision
from app.errors import Conflict
from app.server import doctor
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.key_rotation import register_key_ring
from tests.support.scenario import Scenario
from tests.support.tls_proxy import create_certificate, run_tls_proxy


@pytest.fixture
def settings(scenario: Scenario) -> Settings:
    return Settings(
        owner_database_url=scenario.urls.owner,
        api_database_url=scenario.urls.api,
        reports_database_url=scenario.urls.reports,
        mode="demo",
    )


async def list_errors(settings: Settings, check: str = "") -> list[str]:
    findings = await doctor.examine_installation(settings, with_owner=True)
    return [f.message for f in findings if f.level == "error" and f.check.startswith(check)]


async def test_healthy_installation_has_one_finding_per_check(settings: Settings) -> None:
    await register_key_ring(settings)
    findings = await doctor.examine_installation(
        settings.model_copy(update={"mode": "production"}), with_owner=True
    )
    checks = [finding.check for finding in findings if finding.check != "safety"]
    assert checks == [
        "disk", "sign-in api", "tls api", "sign-in reports", "tls reports", "sign-in owner", "tls owner", "version",
        "clock", "connections", "schema", "keys", "search tokens",
    ]  # fmt: skip
    problems = [f for f in findings if f.level != "ok" and f.check not in {"safety", "disk", "connections"}]
    assert problems == []


async def test_errors_name_role_and_server_but_not_the_password(
    scenario: Scenario, settings: Settings
) -> None:
    url = make_url(scenario.urls.api)
    for changed, expected in (
        (url.set(password="wrong-secret"), "rejects the password of the role firststep_api"),
        (url.set(username="nobody", password="wrong-secret"), "rejects the password of the role nobody"),
        (url.set(database="absent"), "has no database absent"),
        (url.set(query={"host": "/nowhere"}), "no server listens there"),
    ):
        text = changed.render_as_string(hide_password=False)
        broken = settings.model_copy(update={"api_database_url": SecretStr(text)})
        errors = await list_errors(broken, "sign-in api")
        assert len(errors) == 1
        assert expected in errors[0]
        assert "wrong-secret" not in errors[0]
        assert "\n" not in errors[0]


async def test_schema_of_another_version_is_accepted_only_if_it_is_compatible(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `get_schema_revision` that accepts every newer revision, or none.
    await superuser_connection.execute("UPDATE alembic_version SET version_num = '0009'")
    try:
        async with connect(scenario.urls.api) as api:
            assert (await get_schema_revision(api)).state == "newer"
            assert (await doctor.check_schema(api)).level == "ok"
            await superuser_connection.execute(
                "CREATE OR REPLACE FUNCTION access.oldest_compatible_revision() RETURNS text LANGUAGE sql IMMUTABLE RETURN '0005'"
            )
            finding = await doctor.check_schema(api)
            assert finding.level == "error"
            assert "schema revision 0009" in finding.message
            await superuser_connection.execute("DELETE FROM alembic_version")
            assert (await doctor.check_schema(api)).message == "The database schema is empty. Run `migrate`."
    finally:
        await superuser_connection.execute("DELETE FROM alembic_version")
        await superuser_connection.execute("INSERT INTO alembic_version VALUES ($1)", get_newest_revision())
        await superuser_connection.execute(
            "CREATE OR REPLACE FUNCTION access.oldest_compatible_revision() RETURNS text LANGUAGE sql IMMUTABLE RETURN '0001'"
        )


def test_revision_is_compatible_up_to_the_newest_known_one() -> None:
    validate_newer_revision("9999", get_newest_revision())
    with pytest.raises(Conflict):
        validate_newer_revision("9999", "9998")


async def test_unregistered_and_foreign_key_rings_are_errors(
    settings: Settings, tmp_path: Path, superuser_connection: Any
) -> None:
    assert await list_errors(settings, "keys") == ["The database has no registered key. Run `migrate` first."]
    await register_key_ring(settings)
    assert await list_errors(settings, "keys") == []
    await superuser_connection.execute("DELETE FROM key_canaries WHERE key_id = 'release_draw'")
    (error,) = await list_errors(settings, "keys")
    assert error.startswith("The active key release_draw of ")
    missing = settings.model_copy(update={"keys_file": tmp_path / "keys.json"})
    assert await list_errors(missing, "keys") == [f"The key ring {tmp_path / 'keys.json'} does not exist."]


async def test_production_rejects_demonstration_users_and_unsafe_servers(
    settings: Settings, superuser_connection: Any, cluster: Cluster, scenario: Scenario
) -> None:
    # Catches: the check for demonstration users removed from `check_safety`.
    production = settings.model_copy(update={"mode": "production"})
    update = "UPDATE users SET email_key = 'sok@demo.first-step.example', is_active = $1 WHERE email_key LIKE 'manager@%'"
    await superuser_connection.execute(update, True)
    errors = " ".join(await list_errors(production, "safety"))
    assert "demonstration users" in errors
    assert "The setting fsync" in errors, "the test server runs without fsync"
    await superuser_connection.execute(update.replace("LIKE 'manager@%'", "LIKE '%@demo.%'"), False)
    assert "demonstration users" not in " ".join(await list_errors(production, "safety"))
    admin = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, str(make_url(scenario.urls.api).database))
    as_admin = production.model_copy(update={"api_database_url": SecretStr(admin)})
    assert "is a superuser" in " ".join(await list_errors(as_admin, "safety"))


async def test_demonstration_rejects_a_database_with_real_users(settings: Settings) -> None:
    # Catches: the mode of `check_safety` not compared. The second factor is optional in a demonstration.
    assert await list_errors(settings, "safety") == [
        "The database contains real users. Remove FIRSTSTEP_MODE=demo."
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.9", True),
        ("[::1]", True),
        ("db.example.org", False),
        ("10.0.0.5", False),
    ],
)
def test_only_loopback_and_sockets_are_local(host: str, expected: bool) -> None:
    assert is_local(f"postgresql://a:b@{host}:5432/d") is expected
    assert is_local(f"postgresql://a:b@{host}/d?host=/run/postgresql")


async def test_unencrypted_connection_over_a_network_is_an_error(scenario: Scenario) -> None:
    async with connect(scenario.urls.api) as api:
        remote = "postgresql://firststep_api:x@10.0.0.5/firststep"
        finding = doctor.check_tls(api, remote, "api")
    assert finding.level == "error"
    assert "PostgreSQL at 10.0.0.5:5432 is not encrypted" in finding.message


async def test_encrypted_connection_over_a_network_is_accepted(
    scenario: Scenario, cluster: Cluster, tmp_path: Path
) -> None:
    create_certificate(tmp_path / "server.pem")
    url = make_url(scenario.urls.api)
    async with run_tls_proxy(
        str(cluster.server.socket_dir / ".s.PGSQL.5432"), tmp_path / "server.pem"
    ) as port:
        encrypted = url.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        async with connect(encrypted) as api:
            finding = doctor.check_tls(api, "postgresql://firststep_api:x@10.0.0.5/firststep", "api")
    assert finding.level == "ok"
    assert finding.message == "The connection to PostgreSQL at 10.0.0.5:5432 uses TLS."


async def test_clock_difference_is_reported(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    original = time.time
    levels = []
    async with connect(scenario.urls.api) as api:
        for difference in (0.0, 10.0, -10.0, 3600.0):
            monkeypatch.setattr(time, "time", lambda difference=difference: original() + difference)
            levels.append((await doctor.check_clock(api)).level)
    assert levels == ["ok", "warning", "warning", "error"]


def test_low_disk_space_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    levels = []
    for free in (doctor.LOW_FREE_BYTES, doctor.LOW_FREE_BYTES - 1, doctor.MIN_FREE_BYTES - 1):
        usage = shutil.disk_usage(tmp_path)._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, usage=usage: usage)
        levels.append(doctor.check_disk(tmp_path / "absent" / "home").level)
    assert levels == ["ok", "warning", "error"]
