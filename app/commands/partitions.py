"""Manage the partitions of the access log."""

import asyncio
from typing import Annotated

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

partitions_cli = typer.Typer(no_args_is_help=True, help="Manage the partitions of the access log.")


@partitions_cli.command("list")
def list_log_partitions(*, as_json: JsonOption = False) -> None:
    """List the monthly partitions. The server creates those of the next 18 months."""
    from app.server import log_partitions

    partitions = asyncio.run(log_partitions.list_log_partitions(get_settings()))
    print_result(
        "\n".join(partition.name for partition in partitions),
        {"partitions": [partition._asdict() for partition in partitions]},
        as_json=as_json,
    )


@partitions_cli.command("create")
def create_log_partitions(
    *,
    months: Annotated[int, typer.Option(min=0, max=120, help="Number of months after this one.")] = 18,
    as_json: JsonOption = False,
) -> None:
    """Create the partitions that are missing for this month and the following months."""
    from app.server import log_partitions

    created = asyncio.run(log_partitions.create_log_partitions(get_settings(), months))
    print_result(f"Created {created} partitions.", {"created": created}, as_json=as_json)
