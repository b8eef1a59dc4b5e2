"""The output of commands as text or as JSON."""

import json
import re
from typing import Annotated, Any

import typer

TERMINAL_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters except the line feed, and characters that change the direction of text."""
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_result(message: str, data: dict[str, Any], *, as_json: bool) -> None:
    """Print a result as text or as JSON. The text can contain names that other people chose (see `replace_controls`)."""
    typer.echo(json.dumps(data) if as_json else replace_controls(message))


def replace_controls(text: str) -> str:
    """Return a text whose characters cannot move the cursor, hide other lines or reverse the order of words."""
    return TERMINAL_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)
