"""The command line: thin words over services. People read it first; `--json` is for scripts."""

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
users_cli = typer.Typer(no_args_is_help=True, help="Staff accounts.")
keys_cli = typer.Typer(no_args_is_help=True, help="The key ring: encryption and token signing.")
demo_cli = typer.Typer(no_args_is_help=True, help="The demonstration.")
app.add_typer(users_cli, name="users")
app.add_typer(keys_cli, name="keys")
app.add_typer(demo_cli, name="demo")

JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON, for scripts.")]


def print_result(words: str, facts: dict[str, Any], *, as_json: bool) -> None:
    """Say how it went, to a person or to a script."""
    typer.echo(json.dumps(facts) if as_json else words)


@app.command()
def run() -> None:
    """Serve: start the database if need be, bring it up to date, fill the demo the first time, listen."""
    from app.server import serve as serving
    from app.server.installation import print_progress

    serving.run_server(get_settings(), _load_app_factory, print_progress, _seed_demo)


def _load_app_factory() -> Any:
    from app.main import create_app

    return create_app


def _seed_demo(chosen: Settings, urls: DatabaseUrls, say: ProgressReporter) -> None:
    from app.demo import seed  # only the first start needs it

    seed.create_demo(chosen, urls, say)


@app.command()
def migrate(*, as_json: JsonOption = False) -> None:
    """Bring the database's roles, schema, partitions and places up to date, and stop."""
    from app.server.installation import get_newest_revision, open_installation, print_progress

    open_installation(get_settings(), print_progress).close()
    print_result(
        f"At revision {get_newest_revision()}.", {"revision": get_newest_revision()}, as_json=as_json
    )


@users_cli.command("create-admin")
def create_admin(email: str, name: str, *, as_json: JsonOption = False) -> None:
    """Make the first administrator; the password is shown once."""
    from app.server import first_administrator

    password = asyncio.run(first_administrator.bootstrap_first_administrator(get_settings(), email, name))
    words = f"Administrator {email}\nInitial password (shown once, to be changed at the first sign-in): {password}"
    print_result(words, {"email": email, "initial_password": password}, as_json=as_json)


@keys_cli.command("show")
def show_keys(*, as_json: JsonOption = False) -> None:
    """List the ids of the keys; never the keys."""
    from app.server import key_rotation as key_care

    facts = key_care.list_keys(get_settings())
    print_result("\n".join(f"{name}: {value}" for name, value in facts.items()), facts, as_json=as_json)


@keys_cli.command("add")
def add_key(
    kind: Annotated[str, typer.Argument(help="encryption or signing")], *, as_json: JsonOption = False
) -> None:
    """Add a key and use it from now on; the old ones still open what they sealed."""
    from app.server import key_rotation as key_care

    key_id = key_care.create_key(get_settings(), kind)
    print_result(f"New {kind} key: {key_id}", {"key_id": key_id}, as_json=as_json)


@keys_cli.command("reseal")
def reencrypt(*, as_json: JsonOption = False) -> None:
    """Seal everything anew under the active key, while the server runs; every child touched is in the log."""
    from app.server import key_rotation as key_care

    count = asyncio.run(key_care.reencrypt_all(get_settings(), show_progress=not as_json))
    print_result(f"{count} values resealed.", {"resealed": count}, as_json=as_json)


@keys_cli.command("retire")
def retire_key(key_id: str, *, as_json: JsonOption = False) -> None:
    """Take a key off the ring for good; refused while anything is sealed under it."""
    from app.server import key_rotation as key_care

    asyncio.run(key_care.retire_key(get_settings(), key_id))
    print_result(f"Key {key_id} is gone.", {"retired": key_id}, as_json=as_json)


@demo_cli.command("reset")
def reset_demo() -> None:
    """Throw the demonstration away: the next `run` makes a new one. Refuses anything but the demo."""
    from app.demo import seed as demonstration

    demonstration.reset_demo(get_settings())
    typer.echo("Gone. The next run makes a new one.")


@app.command()
def pictures(
    target: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("docs/pictures.md"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Fail if the page is not current; write nothing.")
    ] = False,
) -> None:
    """Draw the docs' pictures from the code."""
    from app.server.docs_diagrams import render_diagrams_page

    _write_or_check(
        target, render_diagrams_page(Path("pyproject.toml")), check=check, fix_command="make pictures"
    )


@app.command("database-docs")
def database_docs(
    target: Annotated[Path, typer.Argument(help="The page to update.")] = Path("docs/database.md"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Fail if the page is not current; write nothing.")
    ] = False,
) -> None:
    """Update the page about the database's rules from a throw-away database."""
    from app.server.docs_database import build_database_page

    _write_or_check(target, build_database_page(target), check=check, fix_command="make database-docs")


@app.command()
def migration(message: str) -> None:
    """Draft a migration from the models, against the database that `run` or `migrate` made."""
    from app.database import migrations
    from app.database.urls import get_owner_url

    migrations.create_migration(get_owner_url(get_settings()), message)


@app.command()
def psql() -> None:
    """Open psql as the API's own role: row security shows it nothing without an access."""
    import os

    from app.database.embedded import find_postgres_binaries
    from app.database.urls import get_api_url, to_driver_url

    program = find_postgres_binaries() / "psql"
    os.execv(program, [str(program), to_driver_url(get_api_url(get_settings()))])  # noqa: S606 - our own program and URL


@app.command()
def openapi(
    target: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("openapi/openapi.json"),
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Fail if the file is not current; write nothing.")
    ] = False,
) -> None:
    """Write the OpenAPI document."""
    from app.main import create_app

    made = json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"
    _write_or_check(target, made, check=check, fix_command="make openapi")


def _write_or_check(target: Path, content: str, *, check: bool, fix_command: str) -> None:
    if not check:
        target.write_text(content)
    elif not target.exists() or target.read_text() != content:
        typer.echo(f"{target} is not current: run `{fix_command}`.", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Run a command; what goes wrong is told in a sentence."""
    try:
        app()
    except FirstStepError as error:
        typer.echo(error.detail or error.titles["en"], err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None  # as shells expect of what was interrupted


if __name__ == "__main__":
    main()
