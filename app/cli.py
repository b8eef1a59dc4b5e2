"""Run and administer First Step from the command line. Use `--json` in scripts."""

from typing import Annotated

import typer

from app.commands.backups import backups_cli
from app.commands.configuration import config_cli
from app.commands.development import demo_cli, development_cli
from app.commands.jobs import jobs_cli
from app.commands.keys import keys_cli
from app.commands.operation import operation_cli
from app.commands.partitions import partitions_cli
from app.commands.users import users_cli

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(operation_cli)
app.add_typer(backups_cli)
app.add_typer(users_cli, name="users")
app.add_typer(keys_cli, name="keys")
app.add_typer(partitions_cli, name="partitions")
app.add_typer(jobs_cli, name="jobs")
app.add_typer(config_cli, name="config")
app.add_typer(demo_cli, name="demo")
app.add_typer(development_cli)


def _print_version(value: bool) -> None:
    if value:
        from app.database.schema_revision import get_newest_revision
        from app.version import get_version

        typer.echo(f"First Step {get_version()} (schema revision {get_newest_revision()})")
        raise typer.Exit


@app.callback()
def configure_command_line(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version, and the newest revision of the schema that it knows.",
        ),
    ] = False,
) -> None:
    """Run and administer First Step from the command line. Use `--json` in scripts."""
    del version


def main() -> None:
    """Run a command. Errors that an operator can correct print one sentence and exit with status 1."""
    try:
        app(prog_name="firststep")
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # the shell convention for a program stopped by SIGINT
    except Exception as error:
        from app.server.operator_errors import describe_operator_error

        if (message := describe_operator_error(error)) is None:
            raise  # a fault of the program, whose traceback is needed
        typer.echo(message, err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
