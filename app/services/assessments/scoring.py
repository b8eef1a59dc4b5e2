"""Scoring a questionnaire by its definition."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import Fault
from app.schemas.instruments import InstrumentDefinition, InstrumentQuestion, ScoringScale


def check_answers(code: str, definition: InstrumentDefinition, answers: Mapping[str, int]) -> list[Fault]:
    """Return what is wrong with answers: to items that are none, or values that no option has."""
    items = {item.id: {option.value for option in item.options} for item in definition.items}
    here = f"/instruments/{code}"
    # What is no item may be anything a client sent: only the questionnaire is pointed at.
    strange = [Fault(here, "item_unknown", "There is no such item.")] if answers.keys() - items.keys() else []
    wrong = [item for item, value in answers.items() if item in items and value not in items[item]]
    return strange + [
        Fault(f"{here}/{item}", "option_unknown", "No option has this value.") for item in wrong
    ]


def score_answers(definition: InstrumentDefinition, answers: Mapping[str, int]) -> dict[str, Any]:
    """Return the answers with what they come to: scores and bands, and the items still without an answer."""
    items = {item.id: item for item in definition.items}
    return {
        "title": definition.title.model_dump(),
        "answers": dict(answers),
        "missing": [item for item in items if item not in answers],
        **_score_scale(definition, definition.items, answers),
        "subscales": [
            {
                "code": scale.code,
                "title": scale.title.model_dump(),
                **_score_scale(scale, [items[item] for item in scale.items], answers),
            }
            for scale in definition.subscales
        ],
    }


def _score_scale(
    scale: ScoringScale, items: Sequence[InstrumentQuestion], answers: Mapping[str, int]
) -> dict[str, Any]:
    if any(item.id not in answers for item in items):
        return {"score": None, "band": None}
    total = sum(_get_item_score(item, answers[item.id]) for item in items)
    score = round(total / len(items), 2) if scale.rule == "mean" else float(total)
    return {"score": score, "band": _find_band(scale, score)}


def _get_item_score(item: InstrumentQuestion, value: int) -> int:
    if not item.reversed:
        return value
    values = [option.value for option in item.options]
    return max(values) + min(values) - value


def _find_band(scale: ScoringScale, score: float) -> dict[str, Any] | None:
    """The score as it is shown decides: nobody reads 2.5 and finds the meaning of 2.496."""
    reached = [band for band in scale.bands if band.at_least <= score]
    return reached[-1].model_dump(include={"code", "label"}) if reached else None
