"""The edges of the log and of what is asked of it: nobody writes into another's access, and nothing answers without one."""

from pathlib import Path

from alembic import op

from app.database.migrations import run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


SQL = Path(__file__).parent / "0004"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(op.get_bind(), SQL / "edges.sql")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run(op.get_bind(), SQL / "edges_undone.sql")
