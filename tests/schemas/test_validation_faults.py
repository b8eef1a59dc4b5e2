from typing import get_args

from pydantic_core import core_schema

from app.errors import Fault
from app.schemas.validation_faults import PYDANTIC_MESSAGES, convert_validation_errors

CANARY = "Canary9271"


def test_every_rule_a_json_body_can_break_has_a_sentence() -> None:
    foreign = (
        *(
            "argument",
            "instance",
            "subclass",
            "callable",
            "json",
            "iter",
            "attribute",
            "recursion",
            "complex",
        ),
        *(
            "fraction",
            "hashable",
            "sentinel",
            "ellipsis",
            "_error",
            "frozen",
            "default_factory",
            "python_object",
        ),
        *("dataclass_exact", "named_tuple", "deque", "ordered", "counter", "encoding", "time_delta"),
    )
    known = [kind for kind in get_args(core_schema.ErrorType) if not any(word in kind for word in foreign)]
    assert len(known) > 50
    assert [kind for kind in known if kind not in PYDANTIC_MESSAGES] == []


def test_an_odd_code_or_an_unfillable_sentence_is_told_in_general() -> None:
    odd = {"type": "Bad " + CANARY, "loc": (), "msg": CANARY, "input": CANARY, "ctx": {"error": CANARY}}
    unfillable = {"type": "string_too_long", "loc": ("body",), "input": CANARY, "ctx": {"actual": CANARY}}
    generic = "The value is not valid."
    assert convert_validation_errors([odd, unfillable], None) == [
        Fault("", "invalid", generic),
        Fault("", "string_too_long", generic),
    ]
