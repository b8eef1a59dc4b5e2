"""The whole pathway, walked by random people doing random things at once, beside a small model of what ought to be.

The model (`story.py`, and the acts beside it) was written from the domain and knows nothing of the services. Each answer
must be what the model says; what was done at once must be explained by some order of it; after each step every row is
held against the model and against what may never be so, and every request against the log. At the end everything is read.
"""

import os
from typing import Any

from tests.model_based.driver import Driver
from tests.model_based.final_verification import verify_final_state
from tests.support.scenario import Scenario

STEPS, SEED = int(os.environ.get("PATHWAY_STEPS", "1000")), int(os.environ.get("PATHWAY_SEED", "1"))
MILESTONES = {
    "approve_assessment",
    "approve_care_plan",
    "complete_review",
    "approve_exit_plan",
    "close_case",
    "update_follow_up",
    "reopen_case",
    "send_service_referral",
}
"""What must have happened, for the run to have shown anything."""
REFUSALS = 25
"""And in how many ways something must have been refused."""


async def test_no_gate_is_passed_wrongly_no_record_is_lost_every_access_is_logged(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Planted: the safety plan not asked for where the risk is high; `records.hold` without its lock; follow-ups left out
    # of `log._note`. Found by it: a deadlock of a transfer and a session, an answer 500 to who lost a case while writing.
    driver = Driver(scenario, superuser_connection, SEED)
    await driver.set_up()
    # The seed is not all: what is done at once ends in any order.
    for steps in range(STEPS, 6 * STEPS, STEPS):
        await driver.run(steps)
        missed = {name for name in MILESTONES if not driver.success_counts[name]}
        if not missed and len(driver.rejection_counts) >= REFUSALS:
            break
    await verify_final_state(driver)
    assert missed == set(), driver.success_counts
    assert len(driver.rejection_counts) >= REFUSALS, driver.rejection_counts
