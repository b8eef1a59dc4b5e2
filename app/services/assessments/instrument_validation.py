"""Whether the definition of a questionnaire makes sense as a whole: every fault of it, pointed at."""

from collections.abc import Iterator, Sequence

from app.errors import Fault
from app.schemas.instruments import InstrumentDefinition, InstrumentQuestion, ScoringScale

DEFINITION_POINTER = "/definition"


def check_instrument_definition(definition: InstrumentDefinition) -> list[Fault]:
    """Return everything that speaks against a definition whose parts are each well-formed."""
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


def _check_duplicates(named: Iterator[tuple[str, object]]) -> Iterator[Fault]:
    known = set()
    for pointer, name in named:
        if name in known:
            yield Fault(pointer, "repeated", "Stands here a second time.")
        known.add(name)


def _check_options(here: str, item: InstrumentQuestion) -> Iterator[Fault]:
    return _check_duplicates(
        (f"{here}/options/{n}/value", option.value) for n, option in enumerate(item.options)
    )


def _check_subscales(definition: InstrumentDefinition) -> Iterator[Fault]:
    items = {item.id: item for item in definition.items}
    scales = list(enumerate(definition.subscales))
    yield from _check_duplicates(
        (f"{DEFINITION_POINTER}/subscales/{n}/code", scale.code) for n, scale in scales
    )
    for number, scale in scales:
        here = f"{DEFINITION_POINTER}/subscales/{number}"
        yield from _check_duplicates((f"{here}/items/{n}", item) for n, item in enumerate(scale.items))
        unknown = [n for n, item in enumerate(scale.items) if item not in items]
        yield from (Fault(f"{here}/items/{n}", "item_unknown", "There is no such item.") for n in unknown)
        if not unknown:
            yield from _check_bands(here, scale, [items[item] for item in scale.items])


def _check_bands(here: str, scale: ScoringScale, items: Sequence[InstrumentQuestion]) -> Iterator[Fault]:
    """Cut-offs rise from the lowest possible score, and each can be reached: every score has one meaning."""
    cuts = [band.at_least for band in scale.bands]
    if not cuts:
        return
    yield from _check_duplicates((f"{here}/bands/{n}/code", band.code) for n, band in enumerate(scale.bands))
    lowest, highest = _get_score_range(scale, items)
    if cuts[0] > lowest:
        yield Fault(f"{here}/bands/0/at_least", "gap_below", f"Scores from {lowest:g} have no band.")
    for number, cut in enumerate(cuts):
        if number and cut <= cuts[number - 1]:
            yield Fault(f"{here}/bands/{number}/at_least", "not_rising", "Must be above the band before it.")
        if cut > highest:
            yield Fault(f"{here}/bands/{number}/at_least", "unreachable", f"No score is above {highest:g}.")


def _get_score_range(scale: ScoringScale, items: Sequence[InstrumentQuestion]) -> tuple[float, float]:
    """Return the lowest and the highest score there can be, as they are shown."""
    lowest = sum(min(option.value for option in item.options) for item in items)
    highest = sum(max(option.value for option in item.options) for item in items)
    over = len(items) if scale.rule == "mean" else 1
    return round(lowest / over, 2), round(highest / over, 2)
