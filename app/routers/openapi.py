"""The OpenAPI document: what FastAPI derives, and what every operation shares that it cannot know."""

from fastapi import FastAPI


def describe(app: FastAPI) -> None:
    """Prepare the document's making."""
