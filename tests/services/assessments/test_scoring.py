"""Whatever passes the check can be scored: every whole set of answers has one score, in range, and one meaning."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.schemas.instruments import InstrumentDefinition
from app.services.assessments.instrument_validation import check_instrument_definition
from app.services.assessments.scoring import check_answers, score_answers

WORDS = {"en": "Words", "km": "ពាក្យ"}


@st.composite
def definitions(draw: st.DrawFn) -> InstrumentDefinition:
    items = [
        {
            "id": f"item_{number}",
            "text": WORDS,
            "options": [{"value": value, "label": WORDS} for value in values],
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
    cuts = draw(st.lists(st.integers(-4000, 4000), max_size=4, unique=True))
    bands = [
        {"code": f"band_{n}", "at_least": cut / 100, "label": WORDS} for n, cut in enumerate(sorted(cuts))
    ]
    rule = draw(st.sampled_from(["sum", "mean"]))
    whole: dict[str, Any] = {"title": WORDS, "rule": rule, "items": items, "bands": bands}
    return InstrumentDefinition.model_validate(whole)


@given(definitions(), st.data())
def test_a_sound_definition_gives_every_answer_one_meaning(
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
    over = len(definition.items) if definition.rule == "mean" else 1
    score, band = result["score"], result["band"]
    assert score is not None
    assert round(sum(map(min, extremes)) / over, 2) <= score
    assert score <= round(sum(map(max, extremes)) / over, 2)
    if definition.bands and check_instrument_definition(definition) == []:
        above = [defined for defined in definition.bands if defined.at_least <= score]
        assert band is not None
        assert band["code"] == above[-1].code

    turned = definition.model_copy(
        update={
            "items": [item.model_copy(update={"reversed": not item.reversed}) for item in definition.items]
        }
    )
    turned_score = score_answers(turned, answers)["score"]
    assert turned_score is not None
    both = turned_score + score
    ends = sum(min(values) + max(values) for values in extremes) / over
    assert abs(both - ends) <= 0.011


@given(definitions(), st.data())
def test_an_answer_short_there_is_no_score(definition: InstrumentDefinition, data: st.DataObject) -> None:
    left_out = data.draw(st.sampled_from([item.id for item in definition.items]))
    answers = {item.id: item.options[0].value for item in definition.items if item.id != left_out}
    result = score_answers(definition, answers)
    assert (result["score"], result["band"], result["missing"]) == (None, None, [left_out])
