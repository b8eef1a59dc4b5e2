"""The text that commands print."""

import json

import pytest

from app.commands.output import print_result


def test_text_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    # Catches: `print_result` without `replace_controls`. An administrator can choose the name that `users list` prints.
    name = "A\x1b[2J\r\x9b1mB\u202eC\u2066D"
    print_result(f"{name}\nសុខ\u200b សុភា", {"name": name}, as_json=False)
    replacement = "\N{REPLACEMENT CHARACTER}"
    expected = f"A{replacement}[2J{replacement}{replacement}1mB{replacement}C{replacement}D\nសុខ\u200b សុភា\n"
    assert capsys.readouterr().out == expected
    print_result("", {"name": name}, as_json=True)
    output = capsys.readouterr().out
    assert output.removesuffix("\n").isprintable()
    assert json.loads(output) == {"name": name}
