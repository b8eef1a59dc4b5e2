"""List staff accounts, create the first accounts, deactivate accounts, and reset sign-in data."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

if TYPE_CHECKING:
    from app.access.acts import Act
    from app.database.engine import AsyncSession
    from app.services.accounts.operator_acts import Account, SignInReset

users_cli = typer.Typer(
    no_args_is_help=True,
    help="Manage staff accounts. Every command is in the access log, and every change raises an alert.",
)
ResultT = TypeVar("ResultT")
EmailArgument = Annotated[str, typer.Argument(help="Email address of the account.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the person.")]
NewEmailArgument = Annotated[str, typer.Argument(help="Email address of the new account.")]


def _run_act(act: "Act", service: "Callable[[AsyncSession], Awaitable[ResultT]]") -> ResultT:
    """Run a service as the command line, with an event in the access log, and return its result."""
    from app.server.act_as import run_as_command_line

    async def run() -> ResultT:
        async with run_as_command_line(get_settings(), act) as session:
            return await service(session)

    return asyncio.run(run())


@users_cli.command("list")
def list_users(
    *,
    role: Annotated[str | None, typer.Option(help="Only accounts with this role.")] = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Only deactivated accounts.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the accounts with roles, activation, second factor and the time of the last sign-in."""
    from app.access.acts import ActWithoutPermission
    from app.services.accounts.operator_acts import list_accounts

    accounts = _run_act(
        ActWithoutPermission.users_list, lambda session: list_accounts(session, role, only_inactive=inactive)
    )
    print_result(
        "\n".join(map(_format_account, accounts)) or "No accounts.",
        {"users": [account.to_document() for account in accounts]},
        as_json=as_json,
    )


def _format_account(account: "Account") -> str:
    last_sign_in = account.last_sign_in_at
    return "  ".join(
        [
            f"{account.email:36}",
            f"{' '.join(account.name.split()):24}",
            f"{'active' if account.is_active else 'inactive':8}",
            f"{'second factor' if account.has_second_factor else 'password only':13}",
            f"{last_sign_in:%Y-%m-%d %H:%M}" if last_sign_in else f"{'never signed in':16}",
            ", ".join(account.roles) or "no role",
        ]
    )


@users_cli.command("create-admin")
def create_admin(email: NewEmailArgument, name: NameArgument, *, as_json: JsonOption = False) -> None:
    """Create the first administrator and print the initial password."""
    _create_first_account(email, name, "administrator", as_json=as_json)


@users_cli.command("create-confirmer")
def create_confirmer(
    email: NewEmailArgument,
    name: NameArgument,
    *,
    role: Annotated[
        str, typer.Option(help="data_protection_officer or programme_manager")
    ] = "data_protection_officer",
    as_json: JsonOption = False,
) -> None:
    """Create the first person who can confirm changes of accounts, and print the initial password."""
    _create_first_account(email, name, role, as_json=as_json)


def _create_first_account(email: str, name: str, role: str, *, as_json: bool) -> None:
    from app.access.acts import ActWithoutPermission
    from app.services.accounts.bootstrap import create_first_account

    password = _run_act(
        ActWithoutPermission.users_create_first,
        lambda session: create_first_account(session, email, name, role),
    )
    message = f"Created {email} ({role}).\nInitial password, which is shown once: {password}"
    print_result(message, {"email": email, "role": role, "initial_password": password}, as_json=as_json)


@users_cli.command("disable")
def disable_user(email: EmailArgument, *, as_json: JsonOption = False) -> None:
    """Deactivate an account immediately, and end its sessions. Only an administrator can activate it again."""
    from app.access.acts import ActWithoutPermission
    from app.services.accounts.operator_acts import disable_account

    ended = _run_act(ActWithoutPermission.users_disable, lambda session: disable_account(session, email))
    message = f"Deactivated {email}. Ended {ended} sessions."
    print_result(message, {"email": email, "ended_sessions": ended}, as_json=as_json)


@users_cli.command("reset-password")
def reset_password(email: EmailArgument, *, as_json: JsonOption = False) -> None:
    """Print an initial password. A second person confirms it if the user has access to children, money or accounts."""
    from app.access.acts import ActWithoutPermission

    _reset_sign_in(
        ActWithoutPermission.users_reset_password, email, removes_second_factor=False, as_json=as_json
    )


@users_cli.command("reset-2fa")
def reset_second_factor(email: EmailArgument, *, as_json: JsonOption = False) -> None:
    """Remove a lost second factor and print an initial password. Both take effect when a second person confirms them."""
    from app.access.acts import ActWithoutPermission

    _reset_sign_in(
        ActWithoutPermission.users_reset_second_factor, email, removes_second_factor=True, as_json=as_json
    )


def _reset_sign_in(act: "Act", email: str, *, removes_second_factor: bool, as_json: bool) -> None:
    from app.services.accounts.operator_acts import reset_sign_in

    reset = _run_act(
        act, lambda session: reset_sign_in(session, email, removes_second_factor=removes_second_factor)
    )
    change_id = reset.pending_change_id
    data = {
        "email": reset.email,
        "initial_password": reset.initial_password,
        "pending_change_id": change_id and str(change_id),
    }
    print_result(_describe_reset(reset), data, as_json=as_json)


def _describe_reset(reset: "SignInReset") -> str:
    password = f"Initial password, which is shown once: {reset.initial_password}"
    if reset.pending_change_id is None:
        return f"Reset the password of {reset.email}, and ended the sessions.\n{password}"
    return (
        f"Requested the reset for {reset.email}. It takes effect when a data protection officer or programme manager "
        f"confirms it within 72 hours (pending change {reset.pending_change_id}).\n{password}"
    )
