"""Run and administer First Step from the command line. Use `--json` in scripts."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.config import Settings, get_settings
from app.database.urls import DatabaseUrls
from app.errors import FirstStepError
from app.server.installation import ProgressReporter

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
users_cli = typer.Typer(no_args_is_help=True, help="Manage staff accounts.")
keys_cli = typer.Typer(no_args_is_help=True, help="Manage the keys for encryption and token signing.")
demo_cli = typer.Typer(no_args_is_help=True, help="Manage the demonstration.")
app.add_typer(users_cli, name="users")
app.add_typer(keys_cli, name="keys")
app.add_typer(demo_cli, name="demo")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_result(message: str, data: dict[str, Any], *, as_json: bool) -> None:
    """Print a result as text or as JSON."""
    typer.echo(json.dumps(data) if as_json else message)


@app.command()
def run() -> None:
    """Start the database, upgrade it, create the demonstration on the first start, and serve requests."""
    from app.server import serve
    from app.server.installation import print_progress

    serve.run_server(get_settings(), _load_app_factory, print_progress, _seed_demo)


def _load_app_factory() -> Any:
    from app.main import create_app

    return create_app


def _seed_demo(settings: Settings, urls: DatabaseUrls, report_progress: ProgressReporter) -> None:
    from app.demo import seed

    seed.create_demo(settings, urls, report_progress)


@app.command()
def migrate(*, as_json: JsonOption = False) -> None:
    """Create or upgrade the roles, schema, partitions and places of the database."""
    from app.server.installation import get_newest_revision, open_installation, print_progress

    open_installation(get_settings(), print_progress).close()
    print_result(
        f"The schema is at revision {get_newest_revision()}.",
        {"revision": get_newest_revision()},
        as_json=as_json,
    )


@users_cli.command("create-admin")
def create_admin(email: str, name: str, *, as_json: JsonOption = False) -> None:
    """Create the first administrator and print the initial password."""
    from app.server import act_as

    password = asyncio.run(act_as.bootstrap_first_administrator(get_settings(), email, name))
    message = f"Administrator: {email}\nInitial password (shown once, must be changed at the first sign-in): {password}"
    print_result(message, {"email": email, "initial_password": password}, as_json=as_json)


@keys_cli.command("show")
def show_keys(*, as_json: JsonOption = False) -> None:
    """List the ids of the keys, without the keys themselves."""
    from app.server import key_rotation

    data = key_rotation.list_keys(get_settings())
    print_result("\n".join(f"{name}: {value}" for name, value in data.items()), data, as_json=as_json)


@keys_cli.command("add")
def add_key(
    kind: Annotated[str, typer.Argument(help="encryption or signing")], *, as_json: JsonOption = False
) -> None:
    """Create a key and make it the active one. Older keys still decrypt and verify existing data."""
    from app.server import key_rotation

    key_id = key_rotation.create_key(get_settings(), kind)
    print_result(f"New {kind} key: {key_id}", {"key_id": key_id}, as_json=as_json)


@keys_cli.command("reseal")
def reencrypt(*, as_json: JsonOption = False) -> None:
    """Re-encrypt all content with the active key. The server may run, and the access log records every child."""
    from app.server import key_rotation

    count = asyncio.run(key_rotation.reencrypt_all(get_settings(), show_progress=not as_json))
    print_result(f"Re-encrypted {count} values.", {"resealed": count}, as_json=as_json)


@keys_cli.command("retire")
def retire_key(key_id: str, *, as_json: JsonOption = False) -> None:
    """Remove a key permanently. The command fails while any value is encrypted with the key."""
    from app.server import key_rotation

    asyncio.run(key_rotation.retire_key(get_settings(), key_id))
    print_result(f"Removed key {key_id}.", {"retired": key_id}, as_json=as_json)


@app.command("rebuild-search-tokens")
def rebuild_search_tokens(
    *,
    bits: Annotated[
        int | None,
        typer.Option(min=12, max=18, help="By default, the right length for the number of children."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the search tokens with another length. The server may run, and the access log records every child."""
    from app.server import search_tokens

    bits, count = asyncio.run(
        search_tokens.rebuild_search_tokens(get_settings(), bits, show_progress=not as_json)
    )
    message = f"Search tokens have {bits} bits. Computed the tokens of {count} children and referrals."
    print_result(message, {"bits": bits, "computed": count}, as_json=as_json)


@demo_cli.command("reset")
def reset_demo() -> None:
    """Delete the demonstration, so that the next `run` creates a new one. Other installations are rejected."""
    from app.demo import seed

    seed.reset_demo(get_settings())
    typer.echo("Deleted the demonstration. The next run creates a new one.")


@app.command()
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


@app.command("database-docs")
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


@app.command()
def migration(message: str) -> None:
    """Generate a migration from the differences between the models and the database of `run` or `migrate`."""
    from app.database import migrations
    from app.database.urls import get_owner_url

    migrations.create_migration(get_owner_url(get_settings()), message)


@app.command()
def psql() -> None:
    """Open psql with the database role of the API. No rows are visible without an open access event."""
    import os

    from app.database.embedded import find_postgres_binaries
    from app.database.urls import get_api_url, to_driver_url

    program = find_postgres_binaries() / "psql"
    os.execv(program, [str(program), to_driver_url(get_api_url(get_settings()))])  # noqa: S606 - fixed program and URL


@app.command()
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


def main() -> None:
    """Run a command. Expected errors print one sentence and exit with status 1."""
    try:
        app()
    except FirstStepError as error:
        typer.echo(error.detail or error.titles["en"], err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # the shell convention for a program stopped by SIGINT


if __name__ == "__main__":
    main()
