"""Run the services of the command line with the owner role of a test's database."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.acts import Act
from app.config import Settings
from app.server.act_as import run_as_command_line
from tests.support.scenario import Scenario

T = TypeVar("T")


async def run_command(scenario: Scenario, act: Act, service: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Run a service like a command of an operator, and return its result."""
    settings = Settings(owner_database_url=scenario.urls.owner)
    async with run_as_command_line(settings, act) as session:
        return await service(session)
