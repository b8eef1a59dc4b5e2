"""Job processes of tests: each runs test jobs in a process of its own, which a test can kill at any moment."""

import subprocess
import sys

EFFECTS_TABLE_SQL = """
    CREATE TABLE effects (number integer NOT NULL, pid integer NOT NULL);
    GRANT SELECT, INSERT ON effects TO firststep_api;
"""
RUNNER_PROGRAM = """
import asyncio, os, random, sys
from sqlalchemy import text
from app.database.engine import Database
from app.kit.jobs import JobKind
from app.server.jobs import JobRunner

async def write_effect(session, payload):
    parameters = {"number": int(payload["number"]), "pid": os.getpid()}
    await session.execute(text("INSERT INTO effects VALUES (:number, :pid)"), parameters)
    await asyncio.sleep(random.uniform(0, 0.05))
    if random.random() < 0.2:
        raise ValueError("planted")

runner = JobRunner(Database(sys.argv[1], pool_size=3), [JobKind("effect", write_effect)], lease_seconds=0.6, poll_seconds=0.02)
asyncio.run(runner.run())
"""


def start_job_process(url: str) -> subprocess.Popen[bytes]:
    """Start a process that runs jobs of the kind `effect`, of which a fifth fail."""
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER_PROGRAM, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def kill_process(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
