"""Dependency that selects English or Khmer for a rendered document or drawing."""

from typing import Annotated

from fastapi import Depends, Header, Query

from app.http.problem_details import get_preferred_language
from app.schemas.wire import DisplayLanguage


async def requested_language(
    language: Annotated[
        DisplayLanguage | None, Query(description="English or Khmer; overrides Accept-Language.")
    ] = None,
    accept_language: Annotated[
        str,
        Header(
            alias="Accept-Language", description="The preferred languages of the caller, such as `km, en`."
        ),
    ] = "en",
) -> str:
    """Return the language of the query parameter, or else of Accept-Language. A link cannot set a header."""
    return language or get_preferred_language(accept_language)


RequestedLanguage = Annotated[str, Depends(requested_language)]
