"""Set up, examine and serve an installation."""

import asyncio
from typing import Annotated, Any

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

operation_cli = typer.Typer()


@operation_cli.command()
def run() -> None:
    """Serve requests. With the embedded database or FIRSTSTEP_DATABASE_URL, set up the database first."""
    from app.server import launch
    from app.server.operator_errors import log_failure

    with log_failure("run"):
        launch.launch_server(get_settings())


@operation_cli.command("set-up", hidden=True)
def set_up() -> None:
    """Set up the database for `run`, create the demonstration on the first start, and leave the database running."""
    from app.server import serve
    from app.server.operator_errors import log_failure

    serve.handle_stop_signals()
    with log_failure("set-up"):
        _set_up_database()


def _set_up_database() -> None:
    from app.server.installation import print_progress, set_up_installation

    settings = get_settings()
    server = set_up_installation(settings, print_progress)
    try:
        if settings.mode == "demo":
            from app.demo import credentials

            credentials.prepare_demo(settings, print_progress)
    except BaseException:
        if server is not None:
            server.stop()
        raise


@operation_cli.command("serve", hidden=True)
def serve_requests(
    *,
    socket_descriptor: Annotated[int, typer.Option("--socket")],
    metrics_descriptor: Annotated[int | None, typer.Option("--metrics-socket")] = None,
    set_up_pid: Annotated[int | None, typer.Option("--set-up")] = None,
    embedded: Annotated[bool, typer.Option("--embedded")] = False,
) -> None:
    """Serve requests on a socket that `run` has opened. `run` replaces itself by this command."""
    from app.server import serve
    from app.server.installation import print_progress
    from app.server.operator_errors import log_failure

    launch = serve.Launch(socket_descriptor, metrics_descriptor, set_up_pid, embedded)
    with log_failure("serve"):
        serve.serve(get_settings(), launch, _load_app_factory, print_progress)


def _load_app_factory() -> Any:
    from app.main import create_app

    return create_app


@operation_cli.command()
def migrate(
    *,
    reset_passwords: Annotated[
        bool, typer.Option("--reset-passwords", help="Set new passwords for existing database roles.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Create or upgrade the schema, the partitions, the places and, if they are missing, the roles and the keys."""
    from app.database.schema_revision import get_newest_revision
    from app.server.installation import migrate_installation, print_progress

    migrate_installation(get_settings(), print_progress, reset_passwords=reset_passwords)
    print_result(
        f"The schema is at revision {get_newest_revision()}.",
        {"revision": get_newest_revision()},
        as_json=as_json,
    )


@operation_cli.command()
def doctor(*, as_json: JsonOption = False) -> None:
    """Examine the database, its roles, the keys, the clock and the disk. The exit status is 1 if there is an error."""
    from app.server.doctor import examine_installation, has_errors

    findings = asyncio.run(examine_installation(get_settings(), with_owner=True))
    is_healthy = not has_errors(findings)
    data = {"healthy": is_healthy, "findings": [finding._asdict() for finding in findings]}
    print_result("\n".join(finding.to_line() for finding in findings), data, as_json=as_json)
    if not is_healthy:
        raise typer.Exit(1)


@operation_cli.command("rebuild-search-tokens")
def rebuild_search_tokens(
    *,
    bits: Annotated[
        int | None,
        typer.Option(min=12, max=18, help="By default, the right length for the number of children."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the search tokens with another length or by new rules. The access log records every child.

    The server may run.
    """
    from app.server import search_tokens

    bits, count = asyncio.run(
        search_tokens.rebuild_search_tokens(get_settings(), bits, show_progress=not as_json)
    )
    message = f"Search tokens have {bits} bits. Computed the tokens of {count} children and referrals."
    print_result(message, {"bits": bits, "computed": count}, as_json=as_json)
