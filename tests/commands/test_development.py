"""The command that opens `psql`."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.commands import development
from app.config import Settings


def test_psql_receives_the_password_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: the URL with its password as the argument, which every user of the machine can read in the process list.
    calls: list[tuple[Any, ...]] = []
    url = SecretStr("postgresql://api:pass%40word@db.example.org/first")
    monkeypatch.setattr(development, "get_settings", lambda: Settings(api_database_url=url))
    monkeypatch.setattr(os, "execve", lambda *arguments: calls.append(arguments))
    development.psql()
    ((program, arguments, environment),) = calls
    assert Path(program).name == "psql"
    assert arguments == [str(program), "postgresql://api@db.example.org/first"]
    assert environment["PGPASSWORD"] == "pass@word"
