"""Taking care of the keys: none goes while something is sealed under it."""

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.access.encryption import Cipher, get_encryption_key_id
from app.access.keyring import KeyRing
from app.config import Settings, get_settings
from app.errors import Conflict
from app.server import key_rotation as key_care
from tests.support.scenario import Scenario


@pytest.fixture
def chosen(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A key ring that this test may change: the one that everything here was sealed with, copied."""
    monkeypatch.setattr(key_care, "RELOAD_INTERVAL_SECONDS", 0)
    ring = Path(shutil.copy(get_settings().key_ring_path, tmp_path / "keys.json"))
    return Settings(owner_database_url=scenario.urls.owner, keys_file=ring)


async def first_values(superuser: Any) -> dict[tuple[str, str], tuple[UUID, bytes]]:
    """Return a sealed value of every column that has one, with the id of its row."""
    found = {}
    for table, column in key_care.list_encrypted_columns():
        name = column.name
        query = f"SELECT id, {name} FROM {table.name} WHERE length({name}) > 2 ORDER BY id LIMIT 1"  # noqa: S608 - our own names
        if row := await superuser.fetchrow(query):
            found[table.name, name] = tuple(row)
    return found


async def test_a_key_is_retired_when_nothing_is_sealed_under_it_any_more(
    scenario: Scenario, superuser_connection: Any, chosen: Settings
) -> None:
    await scenario.open_case()
    old = key_care.list_keys(chosen)["encryption_active"]
    new = key_care.create_key(chosen, "encryption")
    for key_id in (old, new):
        with pytest.raises(Conflict):
            await key_care.retire_key(chosen, key_id)
    await key_care.reencrypt_all(chosen, show_progress=False)
    await key_care.retire_key(chosen, old)

    assert old not in key_care.list_keys(chosen)["encryption"]
    sealer = Cipher(KeyRing.load(chosen.key_ring_path))
    for (table, column), (row, sealed) in (await first_values(superuser_connection)).items():
        assert get_encryption_key_id(sealed) == new
        sealer.decrypt_bytes(sealed, table=table, column=column, row_id=row)


async def test_one_value_left_anywhere_is_enough_to_keep_a_key(
    scenario: Scenario, superuser_connection: Any, chosen: Settings
) -> None:
    # Planted: `_is_needed` that looks at the first table only.
    await scenario.open_case()
    old = key_care.list_keys(chosen)["encryption_active"]
    key_care.create_key(chosen, "encryption")
    before = await first_values(superuser_connection)
    await key_care.reencrypt_all(chosen, show_progress=False)
    after = await first_values(superuser_connection)
    assert len(before) > 4
    for (table, column), (row, sealed) in before.items():
        put = f"UPDATE {table} SET {column} = $1 WHERE id = $2"  # noqa: S608 - our own names
        await superuser_connection.execute(put, sealed, row)
        with pytest.raises(Conflict):
            await key_care.retire_key(chosen, old)
        await superuser_connection.execute(put, after[table, column][1], row)
    await key_care.retire_key(chosen, old)


async def test_what_was_sealed_anew_is_in_the_log_child_by_child(
    scenario: Scenario, superuser_connection: Any, chosen: Settings
) -> None:
    case = await scenario.open_case()
    key_care.create_key(chosen, "encryption")
    await key_care.reencrypt_all(chosen, show_progress=False)
    about = """
        SELECT DISTINCT n.child_id::text FROM access_entries n JOIN access_events e ON e.id = n.event_id
         WHERE e.act = 'keys.reseal' AND n.child_id IS NOT NULL
    """
    assert [row[0] for row in await superuser_connection.fetch(about)] == [case["child_id"]]
