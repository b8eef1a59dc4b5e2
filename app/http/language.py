"""In which language somebody is answered."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Query

from app.http.problem_details import preferred_language


async def spoken(
    language: Annotated[
        Literal["en", "km"] | None, Query(description="English or Khmer; else as Accept-Language says.")
    ] = None,
    accept_language: Annotated[str, Header(description="The languages the caller reads: km, en.")] = "en",
) -> str:
    """Return the language of a picture or a page: a link can name it, where a browser's own is another."""
    return language or preferred_language(accept_language)


Spoken = Annotated[str, Depends(spoken)]
