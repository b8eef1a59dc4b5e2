from typing import get_args

from pydantic_core import core_schema

from app.errors import Fault
from app.schemas.fault_messages import PYDANTIC_MESSAGES
from app.schemas.validation_faults import convert_validation_errors

CANARY = "Canary9271"


def test_every_error_type_of_json_bodies_has_a_message() -> None:
    other_error_types = (
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
    error_types = [
        kind
        for kind in get_args(core_schema.ErrorType)
        if not any(word in kind for word in other_error_types)
    ]
    assert len(error_types) > 50
    assert [kind for kind in error_types if kind not in PYDANTIC_MESSAGES] == []


def test_unknown_pydantic_error_type_or_incomplete_ctx_gets_the_generic_message() -> None:
    unknown_code = {
        "type": "Bad " + CANARY,
        "loc": (),
        "msg": CANARY,
        "input": CANARY,
        "ctx": {"error": CANARY},
    }
    incomplete_context = {
        "type": "string_too_long",
        "loc": ("body",),
        "input": CANARY,
        "ctx": {"actual": CANARY},
    }
    generic = "The value is not valid."
    assert convert_validation_errors([unknown_code, incomplete_context], None) == [
        Fault("", "invalid", generic),
        Fault("", "string_too_long", generic),
    ]
