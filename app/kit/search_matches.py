"""Filter and order a list by the records that a search in memory found."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Uuid, any_, bindparam, func
from sqlalchemy.sql.elements import Grouping

from app.kit.case_scope import Condition

DISTANCE_STEPS = 1_000_000
"""Number of steps between equal names and names without similarity."""


class SearchMatches:
    """The condition and the order of a list whose rows refer to the matching records with `column`.

    The order depends on the similarity of each record alone and not on the other matches. So a record that is added or
    removed between two pages does not move the other matches.
    """

    def __init__(self, column: Any) -> None:
        ids = bindparam("matching_ids", type_=ARRAY(Uuid))
        # PostgreSQL requires parentheses around the type cast of the parameter.
        distances: ColumnElement[Any] = Grouping(bindparam("match_distances", type_=ARRAY(Integer)))
        self.condition: Condition = column == any_(ids)
        self.distance = func.coalesce(distances[func.array_position(ids, column, type_=Integer)], 0)
        """Sort value of a row, 0 for a row that only another condition finds, such as one on its number."""


def get_match_parameters(similarities: Mapping[str, float]) -> dict[str, object]:
    """Return the parameters of a list with `SearchMatches`: the ids of the records with their similarity, 0 to 1."""
    return {
        "matching_ids": list(similarities),
        "match_distances": [round((1 - similarity) * DISTANCE_STEPS) for similarity in similarities.values()],
    }
