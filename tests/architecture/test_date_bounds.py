"""Every date and time that a request can contain has bounds.

Catches: `PlainDate` as the type of `valid_until` of a consent, of the query parameter `from` of the timeline, and of
a day in the path of a statement.
"""

from collections.abc import Iterator
from typing import Any

from tests.support.contract_dates import DOCUMENT, iter_dates

LAST_BOUNDS = {"formatMaximum", "x-formatMaximum"}


def iter_request_dates() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of a date in a request body or a parameter."""
    seen: set[str] = set()
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                place = f"{method} {path} {parameter.get('name')}"
                yield from iter_dates(parameter.get("schema"), place, seen)
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield from iter_dates(media["schema"], f"{method} {path}", seen)


def test_every_date_of_a_request_has_bounds() -> None:
    dates = list(iter_request_dates())
    assert len(dates) > 70
    unbounded = [
        place for place, schema in dates if "formatMinimum" not in schema or not LAST_BOUNDS & {*schema}
    ]
    assert unbounded == []


def test_bounds_of_a_date_are_part_of_its_description() -> None:
    fields = DOCUMENT["components"]["schemas"]["ConsentCreate"]["properties"]
    assert fields["valid_until"]["description"].endswith("Accepted values: 2000-01-01 to today + 15 years.")
    parameters = DOCUMENT["paths"]["/v1/cases/{case_id}/timeline"]["get"]["parameters"]
    [since] = [parameter for parameter in parameters if parameter.get("name") == "from"]
    assert since["description"].endswith("Accepted values: 1900-01-01 to 2199-12-31.")
