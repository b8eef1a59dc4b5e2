"""Dependency that selects English or Khmer for a rendered document or drawing."""

from typing import Annotated

from fastapi import Depends, Header, Query

from app.http.problem_details import get_preferred_language
from app.schemas.wire import DisplayLanguage

AcceptLanguage = Annotated[
    str,
    Header(alias="Accept-Language", description="The preferred languages of the caller, such as `km, en`."),
]
LanguageQuery = Annotated[
    DisplayLanguage | None, Query(description="English or Khmer; overrides Accept-Language.")
]


async def get_requested_language(
    language: LanguageQuery = None,
    accept_language: AcceptLanguage = "en",
) -> str:
    """Return the language of the query parameter, or else of Accept-Language. A link cannot set a header."""
    return language or get_preferred_language(accept_language)


RequestedLanguage = Annotated[str, Depends(get_requested_language)]


async def get_requested_letter_language(
    lang: LanguageQuery = None,
    accept_language: AcceptLanguage = "en",
) -> str:
    """Return the language of the query parameter `lang`, or else of Accept-Language."""
    return lang or get_preferred_language(accept_language)


LetterLanguage = Annotated[str, Depends(get_requested_letter_language)]


async def get_accepted_language(
    accept_language: AcceptLanguage = "en",
) -> str:
    """Return the language of Accept-Language, for endpoints whose own query schema has the parameter `language`."""
    return get_preferred_language(accept_language)


AcceptedLanguage = Annotated[str, Depends(get_accepted_language)]
