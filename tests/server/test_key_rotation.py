"""Key rotation: re-encryption, its access entries, and the removal of keys."""

import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.access.encryption import Cipher, get_encryption_key_id
from app.access.keyring import KeyRing
from app.config import Settings, get_settings
from app.errors import Conflict
from app.server import key_rotation, search_tokens
from tests.support.key_rotation import register_key_ring, rotate_encryption_key
from tests.support.responses import expect_json
from tests.support.scenario import Scenario
from tests.support.supervision import AGREED_ACTION_PAYLOAD, MEETINGS, create_meeting


@pytest.fixture
async def settings(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a copy of the key ring, which the test may change."""
    monkeypatch.setattr(key_rotation, "RELOAD_INTERVAL_SECONDS", 0)
    ring = Path(shutil.copy(get_settings().key_ring_path, tmp_path / "keys.json"))
    settings = Settings(
        owner_database_url=scenario.urls.owner, api_database_url=scenario.urls.api, keys_file=ring
    )
    await register_key_ring(settings)
    return settings


async def get_first_values(superuser: Any) -> dict[tuple[str, str], tuple[UUID, bytes]]:
    """Return the first value of each encrypted column that has one, with the id of its row."""
    values = {}
    for table, column in key_rotation.list_encrypted_columns():
        name = column.name
        query = f"SELECT id, {name} FROM {table.name} WHERE length({name}) > 2 ORDER BY id LIMIT 1"  # noqa: S608 - names from the metadata
        if row := await superuser.fetchrow(query):
            values[table.name, name] = tuple(row)
    return values


async def test_key_can_be_retired_after_reencryption(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    await scenario.open_case()
    old = key_rotation.list_keys(settings)["encryption_active"]
    new = await rotate_encryption_key(settings)
    for key_id in (old, new):
        with pytest.raises(Conflict):
            await key_rotation.retire_key(settings, key_id)
    await key_rotation.reencrypt_all(settings, show_progress=False)
    await key_rotation.retire_key(settings, old)

    assert old not in key_rotation.list_keys(settings)["encryption"]
    cipher = Cipher(KeyRing.load(settings.key_ring_path))
    for (table, column), (row_id, ciphertext) in (await get_first_values(superuser_connection)).items():
        assert get_encryption_key_id(ciphertext) == new
        cipher.decrypt_bytes(ciphertext, table=table, column=column, row_id=row_id)


async def test_key_cannot_be_retired_while_any_column_uses_it(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    # Catches: `_is_key_in_use` checks the first table only.
    await scenario.open_case()
    old = key_rotation.list_keys(settings)["encryption_active"]
    await rotate_encryption_key(settings)
    before = await get_first_values(superuser_connection)
    await key_rotation.reencrypt_all(settings, show_progress=False)
    after = await get_first_values(superuser_connection)
    assert len(before) > 4
    for (table, column), (row_id, ciphertext) in before.items():
        update = f"UPDATE {table} SET {column} = $1 WHERE id = $2"  # noqa: S608 - same
        await superuser_connection.execute(update, ciphertext, row_id)
        with pytest.raises(Conflict):
            await key_rotation.retire_key(settings, old)
        await superuser_connection.execute(update, after[table, column][1], row_id)
    await key_rotation.retire_key(settings, old)


async def test_added_key_is_distributed_before_another_machine_needs_it(
    settings: Settings, tmp_path: Path
) -> None:
    # Catches: `add_key` that also activates the key.
    other = settings.model_copy(
        update={"keys_file": Path(shutil.copy(tmp_path / "keys.json", tmp_path / "b"))}
    )
    key_id = await key_rotation.add_key(settings, "encryption")
    assert key_rotation.list_keys(settings)["encryption_active"] != key_id
    with pytest.raises(Conflict, match="incomplete: it has no key"):
        await key_rotation.activate_key(other, key_id)
    shutil.copy(tmp_path / "keys.json", tmp_path / "b")
    for machine in (settings, other):
        await key_rotation.activate_key(machine, key_id)
        assert key_rotation.list_keys(machine)["encryption_active"] == key_id


async def test_commands_reject_a_key_ring_of_another_database(settings: Settings, tmp_path: Path) -> None:
    # Catches: each of these commands without `validate_key_ring`.
    (tmp_path / "keys.json").unlink()
    active = KeyRing.load_or_create(tmp_path / "keys.json").encryption_active
    for command in (
        key_rotation.add_key(settings, "signing"),
        key_rotation.activate_key(settings, active),
        key_rotation.reencrypt_all(settings, show_progress=False),
        key_rotation.retire_key(settings, active),
        search_tokens.rebuild_search_tokens(settings, show_progress=False),
    ):
        with pytest.raises(Conflict, match="belongs to another database"):
            await command


async def test_reencryption_is_recorded_for_every_child(
    scenario: Scenario, superuser_connection: Any, settings: Settings
) -> None:
    # Catches: a child of a supervision meeting without an entry.
    case, discussed = await scenario.open_case(), await scenario.open_case()
    meeting = await create_meeting(
        scenario, case_numbers=[discussed["number"]], notes="Tired.", actions=[AGREED_ACTION_PAYLOAD]
    )
    path = f"{MEETINGS}/{meeting['id']}/enter-in-error"
    expect_json(await scenario.supervisor_north.post(path, {"reason": "Another day."}, etag='"1"'))
    await rotate_encryption_key(settings)
    await key_rotation.reencrypt_all(settings, show_progress=False)
    query = """
        SELECT DISTINCT n.child_id::text, n.record_kind FROM access_entries n JOIN access_events e ON e.id = n.event_id
         WHERE e.act = 'keys.reencrypt' AND n.child_id IS NOT NULL
    """
    entries = {tuple(row) for row in await superuser_connection.fetch(query)}
    assert {child_id for child_id, _ in entries} == {case["child_id"], discussed["child_id"]}
    tables = ("supervision_actions", "supervision_meetings", "supervision_notes")
    assert {entry for entry in entries if entry[1] in tables} == {
        (discussed["child_id"], table) for table in tables
    }
