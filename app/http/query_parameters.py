"""Validates the names of the query parameters of a request. FastAPI and Pydantic validate their values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from app.errors import Fault, InvalidInput
from app.schemas.fault_messages import VALIDATION_MESSAGES, format_message

MAX_FAULTS = 20
"""Maximum number of faults in one response, because each of them lists the permitted names."""
_NAME_PATTERN = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class QueryParameters:
    """The query parameters that an endpoint and its dependencies declare."""

    annotations: dict[str, Any]
    """Type annotations by the name of the parameter."""

    def validate_names(self, request: Request) -> None:
        """Reject unknown parameters, and repeated parameters that are not arrays.

        An array is documented as one parameter with comma-separated values. Repeating it is permitted, because some client
        generators support no other form.

        Raises:
            InvalidInput: lists each parameter. It never contains a name that is not in snake_case, because such a name
                can be any text, even personal data.
        """
        faults = [
            fault
            for name in request.query_params
            if (fault := self._check_name(name, len(request.query_params.getlist(name)))) is not None
        ]
        if faults:
            raise InvalidInput(faults[:MAX_FAULTS])

    def _check_name(self, name: str, occurrences: int) -> Fault | None:
        """Return the fault of a parameter, if it has one."""
        if name not in self.annotations:
            params = {"allowed": sorted(self.annotations)}
            detail = format_message(VALIDATION_MESSAGES["parameter_unknown"], params)
            pointer = f"query:{name}" if _NAME_PATTERN.fullmatch(name) else "query"
            return Fault(pointer, "parameter_unknown", detail, params)
        if occurrences > 1 and not _is_array(self.annotations[name]):
            return Fault(f"query:{name}", "repeated", "The parameter is given more than once.")
        return None


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
    """Return whether a type is a list, even if it has metadata or permits None."""
    if get_origin(annotation) in {Annotated, Union, UnionType}:
        return any(_is_array(option) for option in get_args(annotation))
    return get_origin(annotation) is list
