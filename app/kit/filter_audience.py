"""Query parameters of lists that serve two audiences, of which one sees fewer fields.

A filter or an order reveals the value of its field, even if the response does not contain it. The schema of the narrower
audience therefore contains only the filters of the fields that its view shows.
"""

from typing import TypeVar

from pydantic import ValidationError

from app.errors import Fault, InvalidInput
from app.schemas.fault_messages import VALIDATION_MESSAGES, format_message
from app.schemas.validation_faults import convert_validation_errors
from app.schemas.wire import PageQuery

QueryT = TypeVar("QueryT", bound=PageQuery)


def narrow_filters(filters: PageQuery, schema: type[QueryT]) -> QueryT:
    """Return the query parameters of a request as the schema of the narrower audience.

    Raises:
        InvalidInput: The request uses a parameter or a value that the schema does not permit. The response lists the
            permitted parameters, as for an unknown parameter.
    """
    given = filters.model_dump(exclude_unset=True)
    params = {"allowed": sorted(schema.model_fields)}
    detail = format_message(VALIDATION_MESSAGES["parameter_unknown"], params)
    unknown = [name for name in given if name not in schema.model_fields]
    if unknown:
        raise InvalidInput([Fault(f"query:{name}", "parameter_unknown", detail, params) for name in unknown])
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        errors = [{**item, "loc": ("query", *item["loc"])} for item in error.errors(include_url=False)]
        raise InvalidInput(convert_validation_errors(errors, None, VALIDATION_MESSAGES)) from None
