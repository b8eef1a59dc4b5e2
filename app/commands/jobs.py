"""Show and repeat background jobs."""

import asyncio

import typer

from app.commands.output import JsonOption, print_result
from app.config import get_settings

jobs_cli = typer.Typer(no_args_is_help=True, help="Show and repeat background jobs.")


@jobs_cli.command("list")
def list_jobs(*, as_json: JsonOption = False) -> None:
    """List the jobs that wait, run or have failed. A periodic job waits for its next run."""
    from app.server import job_list

    jobs = asyncio.run(job_list.list_unfinished_jobs(get_settings()))
    print_result(
        "\n".join(map(str, jobs)) or "No jobs.",
        {"jobs": [job.to_document() for job in jobs]},
        as_json=as_json,
    )


@jobs_cli.command("retry")
def retry_failed_jobs(*, as_json: JsonOption = False) -> None:
    """Run every failed job again."""
    from app.server import job_list

    count = asyncio.run(job_list.retry_failed_jobs(get_settings()))
    print_result(f"Repeats {count} jobs.", {"repeated": count}, as_json=as_json)
