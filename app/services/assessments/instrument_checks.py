"""Validation rules that concern several fields of a questionnaire definition. Pydantic validates the individual fields."""

from collections.abc import Iterator, Sequence

from app.errors import Fault
from app.schemas.instruments import InstrumentDefinition, InstrumentQuestion, ScoringScale

DEFINITION_POINTER = "/definition"


def check_instrument_definition(definition: InstrumentDefinition) -> list[Fault]:
    """Return the faults of a definition whose individual fields are valid."""
    return [
        *_check_duplicates(
            (f"{DEFINITION_POINTER}/items/{n}/id", item.id) for n, item in enumerate(definition.items)
        ),
        *(
            fault
            for n, item in enumerate(definition.items)
            for fault in _check_options(f"{DEFINITION_POINTER}/items/{n}", item)
        ),
        *_check_bands(DEFINITION_POINTER, definition, definition.items),
        *_check_subscales(definition),
    ]


def _check_duplicates(values_by_pointer: Iterator[tuple[str, object]]) -> Iterator[Fault]:
    previous_values = set()
    for pointer, value in values_by_pointer:
        if value in previous_values:
            yield Fault(pointer, "repeated", "Duplicate value.")
        previous_values.add(value)


def _check_options(pointer: str, item: InstrumentQuestion) -> Iterator[Fault]:
    return _check_duplicates(
        (f"{pointer}/options/{n}/value", option.value) for n, option in enumerate(item.options)
    )


def _check_subscales(definition: InstrumentDefinition) -> Iterator[Fault]:
    items = {item.id: item for item in definition.items}
    scales = list(enumerate(definition.subscales))
    yield from _check_duplicates(
        (f"{DEFINITION_POINTER}/subscales/{n}/code", scale.code) for n, scale in scales
    )
    for number, scale in scales:
        pointer = f"{DEFINITION_POINTER}/subscales/{number}"
        yield from _check_duplicates((f"{pointer}/items/{n}", item) for n, item in enumerate(scale.items))
        unknown = [n for n, item in enumerate(scale.items) if item not in items]
        yield from (
            Fault(f"{pointer}/items/{n}", "item_unknown", "The questionnaire has no such item.")
            for n in unknown
        )
        if not unknown:
            yield from _check_bands(pointer, scale, [items[item] for item in scale.items])


def _check_bands(pointer: str, scale: ScoringScale, items: Sequence[InstrumentQuestion]) -> Iterator[Fault]:
    """Yield a fault unless every possible score belongs to exactly one band and every band can be reached.

    The thresholds must rise, and the first must not be above the lowest possible score.
    """
    thresholds = [band.at_least for band in scale.bands]
    if not thresholds:
        return
    yield from _check_duplicates(
        (f"{pointer}/bands/{n}/code", band.code) for n, band in enumerate(scale.bands)
    )
    lowest, highest = _get_score_range(scale, items)
    if thresholds[0] > lowest:
        detail = f"Must be at most {lowest:g}, the lowest possible score."
        yield Fault(f"{pointer}/bands/0/at_least", "gap_below", detail)
    for number, threshold in enumerate(thresholds):
        if number and threshold <= thresholds[number - 1]:
            detail = "Must be above the threshold of the previous band."
            yield Fault(f"{pointer}/bands/{number}/at_least", "not_rising", detail)
        if threshold > highest:
            detail = f"Must be at most {highest:g}, the highest possible score."
            yield Fault(f"{pointer}/bands/{number}/at_least", "unreachable", detail)


def _get_score_range(scale: ScoringScale, items: Sequence[InstrumentQuestion]) -> tuple[float, float]:
    """Return the lowest and the highest possible score, rounded like a stored score."""
    lowest = sum(min(option.value for option in item.options) for item in items)
    highest = sum(max(option.value for option in item.options) for item in items)
    divisor = len(items) if scale.rule == "mean" else 1
    return round(lowest / divisor, 2), round(highest / divisor, 2)
