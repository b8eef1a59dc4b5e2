"""`FaultCode` lists the codes that the application sends, and no other. Mypy rejects an unlisted code of a `Fault`."""

import ast
from collections.abc import Iterator

from app.fault_codes import FAULT_CODES
from app.schemas.fault_explanations import FAULT_EXPLANATIONS
from app.schemas.fault_messages import KHMER_MESSAGES, PYDANTIC_MESSAGES, VALIDATION_MESSAGES
from tests.architecture.source_files import SOURCES

FAULT_NAMES = {"Fault", "FaultCode", "PydanticCustomError"}
SENDING_MODULES = [
    tree
    for path, tree in SOURCES.items()
    if path.name not in {"fault_codes.py", "fault_explanations.py"}
    and any(isinstance(node, ast.Name) and node.id in FAULT_NAMES for node in ast.walk(tree))
]


def iter_constants(node: ast.AST) -> Iterator[str]:
    """Yield every text literal below a node."""
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def test_fault_codes_are_in_alphabetical_order_without_repetition() -> None:
    # Catches: `age_not_funded` before `above_limit`.
    assert [*FAULT_CODES] == sorted(FAULT_CODES)


def test_every_fault_code_occurs_in_a_module_that_creates_faults() -> None:
    # Catches: a code `plan_missing` in `FaultCode` only.
    literals = {text for tree in SENDING_MODULES for text in iter_constants(tree)}
    assert sorted(set(FAULT_CODES) - literals) == []


def test_every_code_that_a_schema_raises_is_listed_and_has_a_message() -> None:
    # Catches: the message of `id_not_random` removed. Pydantic does not check the code of a `PydanticCustomError`.
    raised = {
        node.args[0].value
        for tree in SOURCES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "PydanticCustomError"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(raised) > 15
    assert raised - set(VALIDATION_MESSAGES) - set(PYDANTIC_MESSAGES) == set()
    assert set(VALIDATION_MESSAGES) | set(PYDANTIC_MESSAGES) <= set(FAULT_CODES)


def test_every_fault_code_has_one_explanation_in_a_complete_sentence() -> None:
    # Catches: the explanation of `wall` removed, and that of `wrong` without its point.
    assert [*FAULT_EXPLANATIONS] == [*FAULT_CODES]
    assert [code for code, text in FAULT_EXPLANATIONS.items() if not text.endswith(".")] == []
    assert set(KHMER_MESSAGES) <= set(FAULT_EXPLANATIONS)
