"""Periodic maintenance of the database: delete expired rows, and create the next partitions of the access log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.jobs import JobKind


async def delete_expired_rows(session: AsyncSession, _: Mapping[str, Any]) -> None:
    """Delete stored responses, used client assertions, failed sign-ins and finished jobs that have expired."""
    await session.execute(text("SELECT access.delete_expired_rows()"))


async def create_log_partitions(session: AsyncSession, _: Mapping[str, Any]) -> None:
    """Create the partitions of the access log for the next 18 months, as far as they are missing."""
    await session.execute(text("SELECT access.create_log_partitions()"))


CLEANUP = JobKind("cleanup", delete_expired_rows, period=timedelta(hours=1))
LOG_PARTITIONS = JobKind("log_partitions", create_log_partitions, period=timedelta(days=1))
