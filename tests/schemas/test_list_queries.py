"""Query parameters of lists: several values, sort, search and count."""

from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, ValidationError
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.wire import CommaSeparated, CountedPageQuery, Id, SearchText, parse_sort

ExampleSort = TypeAliasType("ExampleSort", Literal["name", "-name"])
IDS = [UUID(int=number) for number in (1, 2, 3)]


class ExampleFilters(CountedPageQuery):
    """The filters of a list with every kind of parameter."""

    q: SearchText | None = None
    urgency: CommaSeparated[Annotated[str, CodeOf("urgency")]] | None = None
    ids: CommaSeparated[Id] | None = None
    sort: Annotated[ExampleSort, Field()] = "-name"


def list_errors(**query: Any) -> list[tuple[Any, str]]:
    """Return the location and type of each validation error."""
    with pytest.raises(ValidationError) as raised:
        ExampleFilters.model_validate(query)
    return [(error["loc"], error["type"]) for error in raised.value.errors()]


def test_values_are_split_sorted_and_distinct() -> None:
    # FastAPI passes the parameter as a list with one text, and a repeated parameter as a list with several.
    for texts in (["urgent,emergency"], ["emergency", "urgent"], ["urgent,emergency,urgent"]):
        filters = ExampleFilters.model_validate({"urgency": texts})
        assert filters.urgency == ["emergency", "urgent"]
    filters = ExampleFilters.model_validate({"ids": [",".join(str(id_) for id_ in reversed(IDS))]})
    assert filters.ids == IDS
    assert ExampleFilters(ids=IDS).ids == IDS


def test_unknown_value_of_a_list_is_rejected() -> None:
    assert list_errors(urgency=["urgent,later"]) == [(("urgency", 1), "literal_error")]
    assert list_errors(ids=[f"{IDS[0]},x"]) == [(("ids", 1), "uuid_parsing")]


@pytest.mark.parametrize("text", ["", ",", "urgent,", ",urgent", "urgent,,emergency"])
def test_empty_value_of_a_list_is_rejected(text: str) -> None:
    assert list_errors(urgency=[text]) == [(("urgency",), "value_empty")]


def test_number_of_values_is_limited() -> None:
    assert ExampleFilters.model_validate({"ids": [",".join([str(IDS[0])] * 200)]}).ids == IDS[:1]
    assert list_errors(ids=[",".join([str(IDS[0])] * 201)]) == [(("ids",), "too_long")]


def test_search_excludes_sort() -> None:
    assert list_errors(q="Keo", sort="name") == [(("sort",), "sort_with_q")]
    assert list_errors(q="Keo", sort="-name") == [(("sort",), "sort_with_q")]
    assert ExampleFilters(q="Keo").sort == "-name"
    assert ExampleFilters(sort="name").sort == "name"


def test_cursor_is_bound_to_filters_and_sort_only() -> None:
    filters = ExampleFilters.model_validate(
        {"limit": 10, "cursor": "x", "count": "true", "urgency": "urgent"}
    )
    assert filters.count is True
    assert filters.get_cursor_binding() == {"urgency": ["urgent"], "sort": "-name"}


def test_minus_sign_means_descending_order() -> None:
    assert (parse_sort("name"), parse_sort("-name")) == (("name", True), ("name", False))
