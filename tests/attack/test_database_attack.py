"""Random SQL with the API's database password: it reads and changes nothing outside the scope of an open access event.

`make attack` sends many more statements and writes the figures to `bench/results/attack.md`.
"""

import os
from typing import Any

from tests.attack.attack_report import write_figures
from tests.attack.database_attack import BATCH_SIZE, DatabaseAttack
from tests.support.sample_rows import PopulatedDatabase

STATEMENTS = int(os.environ.get("ATTACK_STATEMENTS", "600"))
SEED = int(os.environ.get("ATTACK_SEED", "1"))


async def test_sql_of_the_api_role_reads_and_changes_nothing_outside_an_access(
    superuser_connection: Any, api_connection: Any, populated_database: PopulatedDatabase
) -> None:
    # Catches: `USING (true)` for SELECT on goals; UPDATE of access_entries granted; a definer function without a check.
    assert populated_database
    attack = DatabaseAttack(superuser_connection, api_connection, SEED)
    await attack.prepare()
    for _ in range(STATEMENTS // BATCH_SIZE):
        await attack.run_batch()
    outcomes = attack.outcomes
    write_figures(
        "Statements with the API's database role", outcomes.total(), len(attack.leaks), dict(outcomes)
    )
    assert not attack.leaks, "\n".join(attack.leaks)
    assert outcomes["succeeded"] > STATEMENTS / 20, "some statements must reach the tables"
    assert outcomes["rejected"] > STATEMENTS / 4
