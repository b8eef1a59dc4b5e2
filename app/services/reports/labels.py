"""The groups of a report in display order, with their labels."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from app.access.report_reader import ReportReader
from app.schemas.codes import get_code_label
from app.services.reports.definition import NOT_ASKED, UNKNOWN, Dimension
from app.services.reports.query import Group

SOURCES_SQL = {
    "teams": "SELECT id::text AS code, name AS en, name AS km FROM teams",
    "funds": "SELECT id::text AS code, name AS en, name AS km FROM funds",
    "provinces": "SELECT code, name_en AS en, name_km AS km FROM places WHERE level = 'province'",
}
"""Labels of the values of dimensions without a code list."""
Labels = Mapping[str, str]


async def load_labels(reader: ReportReader, dimension: Dimension, language: str) -> dict[str, str]:
    """Return the labels of all values of a dimension in display order, the unknown value last."""
    if dimension.code_list is not None:
        name = dimension.code_list
        labels = {
            code: get_code_label("disability" if code == NOT_ASKED else name, code, language)
            for code in dimension.list_codes()
            if code != UNKNOWN
        }
    else:
        rows = await reader.fetch(SOURCES_SQL[dimension.source or ""])
        labels = {row["code"]: row["km" if language == "km" else "en"] for row in rows}
        labels = dict(sorted(labels.items(), key=lambda item: item[1]))
    return {**labels, UNKNOWN: get_code_label("age_band", UNKNOWN, language)}


def list_groups(
    dimensions: Sequence[Dimension], labels: Sequence[Labels], found: Iterable[Group]
) -> list[Group]:
    """Return the groups to show: every combination of the codes of lists, and the other values that were found.

    The unknown value of each dimension is always there.
    """
    found = list(found)
    codes = [
        [
            code
            for code in [*known, *sorted({group[n] for group in found} - known.keys())]
            if dimension.code_list is not None or code == UNKNOWN or any(group[n] == code for group in found)
        ]
        for n, (dimension, known) in enumerate(zip(dimensions, labels, strict=True))
    ]
    return list(product(*codes)) if dimensions else []
