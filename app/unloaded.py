"""Keeping out what a library loads and we never use: each is a share of every start."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def kept_out(name: str, **asked: Any) -> Iterator[None]:
    """Let what is imported meanwhile find of a module only what is `asked` of it; nothing: it is not installed."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    vars(stand_in).update(asked)
    sys.modules[name] = stand_in if asked else None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def never_load(name: str) -> None:
    """Have a module be as if it were not installed."""
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
