"""The drill of docs/operations.md: back up a running installation, restore it elsewhere, sign in and read a case."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.server.backup.manifest import Manifest
from tests.support.server_process import ServerProcess, temporary_home

PASSPHRASE = "seven green boats on the Tonle Sap"


@pytest.fixture
def directory() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def write_passphrase(directory: Path) -> Path:
    file = directory / "passphrase"
    file.touch(mode=0o600)
    file.write_text(PASSPHRASE)
    return file


def read_case(client: httpx.Client) -> dict[str, Any]:
    """Return a case with the decrypted name of the child and the concern, and the number of all cases."""
    (listed, *_) = client.get("/v1/cases", params={"limit": 1}).json()["items"]
    case: dict[str, Any] = client.get(f"/v1/cases/{listed['id']}").json()
    child = client.get(f"/v1/children/{case['child_id']}").json()
    timeline = client.get(f"/v1/cases/{listed['id']}/timeline", params={"limit": 200}).json()["items"]
    return {"case": case, "child": child, "timeline": timeline}


def test_drill(directory: Path) -> None:
    # Catches: another key ring in the restored home directory; `end_revived_credentials` not called.
    backup, passphrase = directory / "backup", write_passphrase(directory)
    server = ServerProcess(directory / "lost", FIRSTSTEP_DEMO_CHILDREN="1", FIRSTSTEP_WORKERS="1")
    with server.running():
        manager = server.staff_client("programme_manager")
        expected = read_case(manager)
        token = manager.headers["authorization"].removeprefix("Bearer ")
        process = server.run_command("backup", str(backup), f"--passphrase-file={passphrase}", "--json")
        assert process.returncode == 0, process.stderr
        assert json.loads(process.stdout)["directory"] == str(backup)
    manifest = Manifest.load(backup)
    shutil.copy(server.home / "demo.json", directory / "demo.json")
    shutil.rmtree(server.home)

    replacement = ServerProcess(directory / "new", FIRSTSTEP_DEMO_CHILDREN="1", FIRSTSTEP_WORKERS="1")
    process = replacement.run_command("restore", str(backup), f"--passphrase-file={passphrase}", "--json")
    assert process.returncode == 0, process.stderr + process.stdout
    result = json.loads(process.stdout)
    assert result["healthy"]
    assert result["ended"]["sessions"] > 0
    shutil.copy(directory / "demo.json", replacement.home)
    with replacement.running():
        assert replacement.client_with_token(token).get("/v1/me").status_code == 401
        assert read_case(replacement.staff_client("programme_manager")) == expected
        check_log(replacement, manifest)


def check_log(server: ServerProcess, manifest: Manifest) -> None:
    """Check that the log contains the restore, and continues after the last event of the backup."""
    officer = server.staff_client("data_protection_officer")
    restores = officer.get("/v1/audit/accesses", params={"act": "database.restore"}).json()["items"]
    (restore,) = restores
    assert restore["record"] == {"kind": "backup", "id": str(manifest.id)}
    assert restore["changes"]["events"] == {"old": None, "new": manifest.database.log.events}
    assert restore["changes"]["last_event_id"]["new"] == str(manifest.database.log.last_event_id)
    newest = officer.get("/v1/audit/accesses", params={"limit": 1}).json()["items"][0]
    assert newest["at"] > restore["at"]
