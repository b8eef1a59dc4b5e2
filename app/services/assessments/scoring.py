"""Score the answers to a questionnaire."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from app.errors import Fault
from app.models.assessments import StoredScoreBand, StoredSubscaleResult
from app.schemas.instruments import InstrumentDefinition, InstrumentQuestion, ScoringScale


class ScaleScore(TypedDict):
    """The score of one scale. Both values are None if an answer is missing."""

    score: float | None
    band: StoredScoreBand | None


class ScoredAnswers(ScaleScore):
    """The answers to a questionnaire with the scores of the questionnaire and its subscales."""

    title: dict[str, str]
    answers: dict[str, int]
    missing: list[str]
    subscales: list[StoredSubscaleResult]


def check_answers(code: str, definition: InstrumentDefinition, answers: Mapping[str, int]) -> list[Fault]:
    """Return a fault for each answer to an unknown item and each value that is not an option of its item."""
    items = {item.id: {option.value for option in item.options} for item in definition.items}
    pointer = f"/instruments/{code}"
    # The key of an unknown item is arbitrary client input. The pointer therefore names only the questionnaire.
    has_unknown_item = bool(answers.keys() - items.keys())
    faults = (
        [Fault(pointer, "item_unknown", "The questionnaire has no such item.")] if has_unknown_item else []
    )
    invalid_items = [item for item, value in answers.items() if item in items and value not in items[item]]
    return faults + [
        Fault(f"{pointer}/{item}", "option_unknown", "Must be the value of one of the item's options.")
        for item in invalid_items
    ]


def score_answers(definition: InstrumentDefinition, answers: Mapping[str, int]) -> ScoredAnswers:
    """Return the answers with their scores and bands, and the ids of the items without an answer."""
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
) -> ScaleScore:
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


def _find_band(scale: ScoringScale, score: float) -> StoredScoreBand | None:
    """Return the band of a score.

    The score must be rounded to the displayed decimals, so that score and band always match.
    """
    reached = [band for band in scale.bands if band.at_least <= score]
    return {"code": reached[-1].code, "label": reached[-1].label.model_dump()} if reached else None
