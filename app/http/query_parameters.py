"""Validates the names of the query parameters of a request. FastAPI and Pydantic validate their values."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from app.errors import Fault, InvalidInput


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """The query parameters that an endpoint and its dependencies declare."""

    annotations: dict[str, Any]
    """Type annotations by the name of the parameter."""

    def validate_names(self, request: Request) -> None:
        """Raise `InvalidInput` if a parameter is repeated that is not an array.

        An array is documented as one parameter with comma-separated values. Repeating it is permitted, because some client
        generators support no other form.
        """
        query = request.query_params
        if len(query.multi_items()) == len(query):
            return
        for name in query:
            if len(query.getlist(name)) > 1 and not _is_array(self.annotations.get(name)):
                raise InvalidInput([Fault("query", "repeated", "A parameter is given more than once.")])


def find_query_parameters(dependant: Dependant) -> QueryParameters:
    """Return the query parameters of an endpoint, including those of its dependencies."""
    return QueryParameters(dict(_list_parameters(dependant)))


def _list_parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                yield field.alias or name, field.annotation
        else:
            yield parameter.alias, annotation
    for dependency in dependant.dependencies:
        yield from _list_parameters(dependency)


def _is_array(annotation: Any) -> bool:
    """Return whether a type is a list, also if it has metadata or permits None."""
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(_is_array(option) for option in get_args(annotation))
    return get_origin(annotation) is list
