"""Generate files from the code, and work with the database of a demonstration."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.config import get_settings

development_cli = typer.Typer()
demo_cli = typer.Typer(no_args_is_help=True, help="Manage the demonstration.")


@demo_cli.command("reset")
def reset_demo() -> None:
    """Delete the demonstration, so that the next `run` creates a new one. Other installations are rejected."""
    from app.demo import seed

    seed.reset_demo(get_settings())
    typer.echo("Deleted the demonstration. The next run creates a new one.")


@development_cli.command()
def pictures(
    target: Annotated[Path, typer.Argument(help="The page to write.")] = Path("docs/diagrams.md"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the page is not current.")
    ] = False,
) -> None:
    """Generate the page with the diagrams from the code."""
    from app.server.docs_diagrams import render_diagrams_page

    _write_or_check(
        target, render_diagrams_page(Path("pyproject.toml")), check=check, fix_command="make pictures"
    )


@development_cli.command("database-docs")
def database_docs(
    target: Annotated[Path, typer.Argument(help="The page to update.")] = Path("docs/database.md"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the page is not current.")
    ] = False,
) -> None:
    """Generate the page about the rules of the database from a temporary database."""
    from app.server.docs_database import build_database_page

    _write_or_check(target, build_database_page(target), check=check, fix_command="make database-docs")


@development_cli.command("report-docs")
def report_docs(
    target: Annotated[Path, typer.Argument(help="The page to write.")] = Path("docs/reports.md"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the page is not current.")
    ] = False,
) -> None:
    """Generate the page about reports from their definitions."""
    from app.server.docs_reports import render_reports_page

    _write_or_check(target, render_reports_page(), check=check, fix_command="python -m app.cli report-docs")


@development_cli.command()
def migration(message: str) -> None:
    """Generate a migration from the differences between the models and the database of `run` or `migrate`."""
    from app.database import migrations
    from app.database.urls import get_owner_url

    migrations.create_migration(get_owner_url(get_settings()), message)


@development_cli.command()
def psql() -> None:
    """Open psql with the database role of the API. No rows are visible without an open access event."""
    import os

    from app.database.embedded import find_postgres_binaries
    from app.database.urls import get_api_url, remove_password

    program = find_postgres_binaries() / "psql"
    location, password = remove_password(get_api_url(get_settings()))
    environment = os.environ | ({} if password is None else {"PGPASSWORD": password})
    os.execve(program, [str(program), location], environment)  # noqa: S606 - fixed program and URL


@development_cli.command()
def openapi(
    target: Annotated[Path, typer.Argument(help="The file to write.")] = Path("openapi/openapi.json"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the file is not current.")
    ] = False,
) -> None:
    """Generate the OpenAPI document."""
    from app.main import create_app

    document = json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"
    _write_or_check(target, document, check=check, fix_command="make openapi")


def _write_or_check(target: Path, content: str, *, check: bool, fix_command: str) -> None:
    if not check:
        target.write_text(content)
    elif not target.exists() or target.read_text() != content:
        typer.echo(f"{target} is not current. Run `{fix_command}`.", err=True)
        raise typer.Exit(1)
