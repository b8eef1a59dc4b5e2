"""Show the settings that a process of First Step uses."""

import json

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

config_cli = typer.Typer(no_args_is_help=True, help="Show the settings.")


@config_cli.command("show")
def show_settings(*, as_json: JsonOption = False) -> None:
    """List all settings with their values and sources. Passwords and keys are masked."""
    from app.server.effective_settings import list_effective_settings

    settings = list_effective_settings(get_settings())
    lines = [
        f"{setting.variable:46}{_format_value(setting.value)}  ({setting.source})" for setting in settings
    ]
    data = {"settings": [setting._asdict() for setting in settings]}
    print_result("\n".join(lines), data, as_json=as_json)


def _format_value(value: object) -> str:
    """Return a value in the form of an environment variable: a list is JSON."""
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value)
