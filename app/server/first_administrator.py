"""The first administrator of an installation, made on the command line."""

from app.config import Settings
from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.database.urls import get_api_url
from app.services.accounts import users


async def bootstrap_first_administrator(chosen: Settings, email: str, name: str) -> str:
    """Make the first administrator and return the initial password.

    Raises:
        AlreadyExists: there is an active administrator already.
        InvalidInput: the e-mail address or name cannot be one.
    """
    database = Database(get_api_url(chosen), pool_size=1)
    try:
        with translate_database_errors():
            async with database.session_factory() as session:
                _, password = await users.create_first_administrator(session, email, name)
                await session.commit()
        return password
    finally:
        await database.engine.dispose()
