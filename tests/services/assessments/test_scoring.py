"""Property tests of questionnaire scoring with generated definitions and answers."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.schemas.instruments import InstrumentDefinition
from app.services.assessments.instrument_checks import check_instrument_definition
from app.services.assessments.scoring import check_answers, score_answers

LOCALIZED_TEXT = {"en": "Words", "km": "ពាក្យ"}


@st.composite
def definitions(draw: st.DrawFn) -> InstrumentDefinition:
    items = [
        {
            "id": f"item_{number}",
            "text": LOCALIZED_TEXT,
            "options": [{"value": value, "label": LOCALIZED_TEXT} for value in values],
            "reversed": draw(st.booleans()),
        }
        for number, values in enumerate(
            draw(
                st.lists(
                    st.lists(st.integers(-5, 9), min_size=2, max_size=5, unique=True), min_size=1, max_size=7
                )
            )
        )
    ]
    thresholds = draw(st.lists(st.integers(-4000, 4000), max_size=4, unique=True))
    bands = [
        {"code": f"band_{n}", "at_least": threshold / 100, "label": LOCALIZED_TEXT}
        for n, threshold in enumerate(sorted(thresholds))
    ]
    rule = draw(st.sampled_from(["sum", "mean"]))
    document: dict[str, Any] = {"title": LOCALIZED_TEXT, "rule": rule, "items": items, "bands": bands}
    return InstrumentDefinition.model_validate(document)


@given(definitions(), st.data())
def test_complete_answers_have_one_score_in_range_and_one_band(
    definition: InstrumentDefinition, data: st.DataObject
) -> None:
    answers = {
        item.id: data.draw(st.sampled_from([option.value for option in item.options]))
        for item in definition.items
    }
    assert check_answers("any", definition, answers) == []
    result = score_answers(definition, answers)
    assert result["missing"] == []
    extremes = [[option.value for option in item.options] for item in definition.items]
    divisor = len(definition.items) if definition.rule == "mean" else 1
    score, band = result["score"], result["band"]
    assert score is not None
    assert round(sum(map(min, extremes)) / divisor, 2) <= score
    assert score <= round(sum(map(max, extremes)) / divisor, 2)
    if definition.bands and check_instrument_definition(definition) == []:
        reached_bands = [candidate for candidate in definition.bands if candidate.at_least <= score]
        assert band is not None
        assert band["code"] == reached_bands[-1].code

    reversed_definition = definition.model_copy(
        update={
            "items": [item.model_copy(update={"reversed": not item.reversed}) for item in definition.items]
        }
    )
    reversed_score = score_answers(reversed_definition, answers)["score"]
    assert reversed_score is not None
    sum_of_scores = reversed_score + score
    sum_of_extremes = sum(min(values) + max(values) for values in extremes) / divisor
    assert abs(sum_of_scores - sum_of_extremes) <= 0.011


@given(definitions(), st.data())
def test_incomplete_answers_have_no_score(definition: InstrumentDefinition, data: st.DataObject) -> None:
    unanswered = data.draw(st.sampled_from([item.id for item in definition.items]))
    answers = {item.id: item.options[0].value for item in definition.items if item.id != unanswered}
    result = score_answers(definition, answers)
    assert (result["score"], result["band"], result["missing"]) == (None, None, [unanswered])
