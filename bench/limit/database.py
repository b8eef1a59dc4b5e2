"""Create the database of the program: a copy of the benchmark database, with tables, functions and policies of its own."""

from pathlib import Path

import asyncpg
from sqlalchemy.engine import URL, make_url

from app.database.urls import to_driver_url

DATABASE = "limit_program"
SQL_FILES = ("tables.sql", "functions.sql", "policies.sql")


async def create_limit_database(admin_url: str, api_url: str) -> str:
    """Copy the database of `admin_url`, to which no program may be connected, and return the URL of the copy.

    `admin_url` is the URL of the administrator role, `api_url` the URL of the role firststep_api. The returned URL is for
    firststep_api and for asyncpg.
    """
    source = make_url(admin_url)
    await _execute(source.set(database="postgres"), f"CREATE DATABASE {DATABASE} TEMPLATE {source.database}")
    for file in SQL_FILES:
        await _execute(source.set(database=DATABASE), Path(__file__).with_name(file).read_text())
    await _execute(source.set(database=DATABASE), "VACUUM ANALYZE")
    return _to_driver_url(make_url(api_url).set(database=DATABASE))


async def _execute(url: URL, script: str) -> None:
    connection = await asyncpg.connect(_to_driver_url(url))
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def _to_driver_url(url: URL) -> str:
    return to_driver_url(url.render_as_string(hide_password=False))
