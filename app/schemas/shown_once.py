"""Secrets that one response contains and that no later response repeats: passwords, secrets of API clients, recovery codes.

A field with the type `ShownOnce[str | None]` contains such a secret. It is null in the response to a repeated request
with the same Idempotency-Key, and it is never stored with the response.
"""

from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")
SECRET_EXTENSION = "x-secret"  # noqa: S105 - the name of an OpenAPI extension
"""Marks the property of a schema that contains a secret."""


class SecretMarker:
    """Marks a field of a response that contains a secret."""


IssuedToken = Annotated[T, SecretMarker(), Field(json_schema_extra={SECRET_EXTENSION: "token"})]
"""A token that expires, in a response that is not stored for retries: `IssuedToken[str]`."""
ShownOnce = Annotated[T, SecretMarker(), Field(json_schema_extra={SECRET_EXTENSION: "shown-once"})]
"""A secret that the first response contains and a repeated response does not: `ShownOnce[str | None]`."""


@cache
def list_secret_fields(model: type[Any]) -> frozenset[str]:
    """Return the names of the fields of a schema that contain secrets."""
    fields = model.model_fields if issubclass(model, BaseModel) else {}
    return frozenset(
        name
        for name, field in fields.items()
        if any(isinstance(item, SecretMarker) for item in field.metadata)
    )


def remove_secrets(response: BaseModel) -> BaseModel | None:
    """Return a copy of a response in which the secrets are null, or None if the response contains no secret."""
    secrets = {
        name: None for name in list_secret_fields(type(response)) if getattr(response, name) is not None
    }
    return response.model_copy(update=secrets) if secrets else None
