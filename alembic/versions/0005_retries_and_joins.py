"""A retry asks once: the lock on its key, and the answer kept for it. What joins a case is written by who works on it."""

from pathlib import Path

from alembic import op

from app.database.migrations import run

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


SQL = Path(__file__).parent / "0005"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(op.get_bind(), SQL / "claims.sql")
    run(op.get_bind(), SQL / "joins.sql")
    run(op.get_bind(), SQL / "asking.sql")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # What asking.sql says anew, it says faster and not otherwise: nothing to undo.
    op.execute("DROP TRIGGER not_taken ON referrals")
    op.execute("DROP POLICY in_ones_own_hands ON referrals")
    op.execute("DROP POLICY by_ones_own_hands ON referrals")
    op.execute("DROP FUNCTION access.claim(bigint, uuid, bytea)")
