"""The baseline: every table, and the rules of the database in `alembic/sql`."""

import json
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.database.migrations import MIGRATIONS_DIR, run_sql_script
from app.models.record import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = MIGRATIONS_DIR / "sql"
FUNCTIONS = (
    "context", "case_scope", "responsibility", "accounts", "consents", "pending_changes", "access_log", "log_records", "rejections", "last_contact", "case_periods", "search_tokens", "matching", "duplicates", "child_merges", "triggers", "change_rules", "fund", "ledger", "cleanup", "sessions", "digests", "report_runs", "entry_profiles", "alerts", "metrics", "compatibility",
)  # fmt: skip
"""Files in `sql/functions`, in this order: a function exists before another one, or a policy, refers to it."""
CASE_TABLES = (
    "actions", "assessments", "assignment_periods", "break_glass", "care_plans", "case_history", "case_links",
    "case_siblings", "case_workers", "clinical_handovers", "clinical_notes", "consents", "disbursement_details", "disbursements",
    "document_contents", "documents", "exit_plans", "feedback", "follow_ups", "goals", "legal_steps", "people",
    "plan_areas", "record_changes", "referrals", "reviews", "service_referrals", "session_addenda",
    "status_periods", "support_sessions",
)  # fmt: skip
"""Tables with the columns `case_id` and `child_id`, except the access log and the alerts."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_tables()
    run_sql_script(op.get_bind(), SQL / "schemas.sql")
    for name in FUNCTIONS:
        run_sql_script(op.get_bind(), SQL / "functions" / f"{name}.sql")
    for file in sorted((SQL / "tables").glob("*.sql")):
        run_sql_script(op.get_bind(), file)
    op.execute("SELECT access.create_partitions()")
    for name in ("approval_limits", "caseload_standards", "consent_age_bands", "targets"):
        run_sql_script(op.get_bind(), MIGRATIONS_DIR / "seed" / f"{name}.sql")
    insert_instrument(MIGRATIONS_DIR / "seed" / "my_week.json")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP SCHEMA access, ledger CASCADE")
    op.execute("DROP TABLE " + ", ".join(table_names()) + " CASCADE")


def table_names() -> list[str]:
    """Return the tables to drop: all of them but Alembic's own."""
    statement = sa.text(
        "SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'"
    )
    return list(op.get_bind().scalars(statement))


def insert_instrument(file: Path) -> None:
    """Insert a questionnaire that every installation begins with."""
    instrument = json.loads(file.read_bytes())
    statement = sa.text(
        "INSERT INTO instruments (id, created_at, version, code, edition, is_active, definition)"
        " VALUES (:id, now(), 1, :code, :edition, true, :definition)"
    )
    op.get_bind().execute(
        statement.bindparams(
            sa.bindparam("id", type_=sa.Uuid()), sa.bindparam("definition", type_=postgresql.JSONB())
        ),
        {**instrument, "id": UUID(instrument["id"])},
    )


def create_tables() -> None:
    """Create tables, indexes and constraints, as Alembic derives them from the models."""
    op.create_table(
        "donor_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("donor", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donor_grants")),
        sa.UniqueConstraint("code", name=op.f("uq_donor_grants_code")),
    )
    op.create_table(
        "access_contexts",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("caller_id", sa.Uuid(), nullable=True),
        sa.Column("is_staff", sa.Boolean(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("can_read_all_cases", sa.Boolean(), nullable=False),
        sa.Column("can_read_access_log", sa.Boolean(), nullable=False),
        sa.Column("can_report_all_teams", sa.Boolean(), nullable=False),
        sa.Column("is_finance_officer", sa.Boolean(), nullable=False),
        sa.Column("is_custodian", sa.Boolean(), nullable=False),
        sa.Column("is_command_line", sa.Boolean(), nullable=False),
        sa.Column("partner_agency_id", sa.Uuid(), nullable=True),
        sa.Column("supervised_team_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("assigned_case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("break_glass_case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("conflict_wall_case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_access_contexts")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "access_entries",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("record_kind", sa.String(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", "n", name=op.f("pk_access_entries")),
        postgresql_partition_by="RANGE (event_id)",
    )
    op.create_index("ix_access_entries_child", "access_entries", ["child_id", "event_id"], unique=False)
    op.create_index(
        "ix_access_entries_rejected",
        "access_entries",
        ["outcome", "event_id"],
        unique=False,
        postgresql_where=sa.text("outcome <> 'allowed'"),
    )
    op.create_index(
        "ix_access_entries_record",
        "access_entries",
        ["record_id", "event_id"],
        unique=False,
        postgresql_where=sa.text("child_id IS NULL"),
    )
    op.create_table(
        "access_events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column(
            "opened_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("supervised_team_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("correlation_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_events")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_access_events_act", "access_events", ["act", "id"], unique=False)
    op.create_index("ix_access_events_actor", "access_events", ["actor_id", "id"], unique=False)
    op.create_index(
        "ix_access_events_correlation",
        "access_events",
        ["correlation_id", "id"],
        unique=False,
        postgresql_where=sa.text("correlation_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_access_events_request_id"), "access_events", ["request_id"], unique=False)
    op.create_table(
        "agencies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
    )
    op.create_index("uq_agencies_name", "agencies", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "case_number_series",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_case_number_series")),
    )
    op.create_table(
        "children",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("province_code", sa.String(), nullable=True),
        sa.Column("has_birth", sa.Boolean(), nullable=False),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column("identity_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["merged_into_id"], ["children.id"], name=op.f("fk_children_merged_into_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_children")),
    )
    op.create_index(
        "ix_children_merged_into_id",
        "children",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_children_newest",
        "children",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "disbursement_number_series",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_disbursement_number_series")),
    )
    op.create_table(
        "key_canaries",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("canary", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_canaries")),
    )
    op.create_table(
        "reference_data_versions",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reference_data_versions")),
    )
    op.create_table(
        "instruments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instruments")),
    )
    op.create_index("uq_instruments_code_edition", "instruments", ["code", "edition"], unique=True)
    op.create_index(
        "uq_instruments_one_active",
        "instruments",
        ["code"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_table(
        "idempotency_records",
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_encrypted", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key_digest", name=op.f("pk_idempotency_records")),
    )
    op.create_index(op.f("ix_idempotency_records_stored_at"), "idempotency_records", ["stored_at"], unique=False)
    op.create_table(
        "access_log_scans",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scanned_xid", Xid8(), nullable=False),
        sa.Column("unassigned_xid", Xid8(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_access_log_scans")),
    )
    op.create_table(
        "alert_thresholds",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("children_per_day", sa.Integer(), nullable=False),
        sa.Column("children_per_day_of_manager", sa.Integer(), nullable=False),
        sa.Column("matches_per_day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alert_thresholds")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_periodic", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["run_after", "id"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL AND failed_at IS NULL"),
    )
    op.create_index(
        "uq_jobs_periodic",
        "jobs",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("is_periodic AND finished_at IS NULL"),
    )
    op.create_table(
        "name_tokens",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("owner_id", "token", "kind", name=op.f("pk_name_tokens")),
    )
    op.create_index(
        "ix_name_tokens_kind_token",
        "name_tokens",
        ["kind", "token"],
        unique=False,
        postgresql_include=["owner_id"],
    )
    op.create_table(
        "name_token_lengths",
        sa.Column("bits", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("rules", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bits", name=op.f("pk_name_token_lengths")),
    )
    op.create_index(
        "uq_name_token_lengths_current",
        "name_token_lengths",
        ["is_current"],
        unique=True,
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "places",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("parent_code", sa.String(), nullable=True),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("name_km", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("search_en", sa.String(), nullable=False),
        sa.Column("search_km", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["parent_code"], ["places.code"], name=op.f("fk_places_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_places")),
    )
    op.create_index(op.f("ix_places_parent_code"), "places", ["parent_code"], unique=False)
    op.create_index(op.f("ix_places_search_en"), "places", ["search_en"], unique=False)
    op.create_index(op.f("ix_places_search_km"), "places", ["search_km"], unique=False)
    op.create_table(
        "consent_age_bands",
        sa.Column("min_age", sa.Integer(), nullable=False),
        sa.Column("child", sa.String(), nullable=False),
        sa.Column("caregiver", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("min_age", name=op.f("pk_consent_age_bands")),
    )
    op.create_table(
        "caseload_standards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cases_per_worker", sa.Integer(), nullable=False),
        sa.Column("workers_per_supervisor", sa.Integer(), nullable=False),
        sa.Column("weight_high", sa.Float(), nullable=False),
        sa.Column("weight_medium", sa.Float(), nullable=False),
        sa.Column("weight_low", sa.Float(), nullable=False),
        sa.Column("weight_unknown", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caseload_standards")),
    )
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempts")),
    )
    op.create_table(
        "targets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_targets")),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
    )
    op.create_index("uq_teams_name", "teams", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("initial_password_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activation_digest", sa.LargeBinary(), nullable=True),
        sa.Column("activation_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
    )
    op.create_table(
        "api_clients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("public_key", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_api_clients_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_clients")),
    )
    op.create_index(op.f("ix_api_clients_agency_id"), "api_clients", ["agency_id"], unique=False)
    op.create_table(
        "approval_limits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["set_by_id"], ["users.id"], name=op.f("fk_approval_limits_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_limits")),
    )
    op.create_index(
        "uq_approval_limits_from", "approval_limits", ["role", "act", "currency", "starts_on"], unique=True
    )
    op.create_table(
        "books_closings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("closed_by_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["closed_by_id"], ["users.id"], name=op.f("fk_books_closings_closed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books_closings")),
        sa.UniqueConstraint("until", name=op.f("uq_books_closings_until")),
    )
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendar_feeds_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_calendar_feeds_token_digest")),
    )
    op.create_index(op.f("ix_calendar_feeds_user_id"), "calendar_feeds", ["user_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("lead_worker_id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("previous_case_id", sa.Uuid(), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("next_review_on", sa.Date(), nullable=True),
        sa.Column("risk_level", sa.String(), nullable=True),
        sa.Column("last_contact_on", sa.Date(), nullable=True),
        sa.Column("extended_until", sa.Date(), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("grant_code", sa.String(), nullable=True),
        sa.Column("hsb_outcome", sa.String(), nullable=True),
        sa.Column("age_at_referral_min", sa.Integer(), nullable=True),
        sa.Column("age_at_referral_max", sa.Integer(), nullable=True),
        sa.Column("province_code", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["grant_code"], ["donor_grants.code"], name=op.f("fk_cases_grant_code")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_cases_child_id")),
        sa.ForeignKeyConstraint(["lead_worker_id"], ["users.id"], name=op.f("fk_cases_lead_worker_id")),
        sa.ForeignKeyConstraint(["previous_case_id"], ["cases.id"], name=op.f("fk_cases_previous_case_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_cases_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("id", "child_id", name=op.f("uq_cases_id_child_id")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_child_id"), "cases", ["child_id"], unique=False)
    op.create_index(
        "ix_cases_last_contact_on",
        "cases",
        [
            sa.literal_column(
                "(CASE WHEN last_contact_on IS NULL THEN '-infinity'::date ELSE last_contact_on END)"
            ),
            "id",
        ],
        unique=False,
    )
    op.create_index(
        "ix_cases_lead_worker_newest",
        "cases",
        ["lead_worker_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_cases_newest",
        "cases",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_cases_next_review_on",
        "cases",
        [
            sa.literal_column(
                "(CASE WHEN next_review_on IS NULL THEN 'infinity'::date ELSE next_review_on END)"
            ),
            "id",
        ],
        unique=False,
    )
    op.create_index(
        "ix_cases_open_opened_on",
        "cases",
        ["opened_on"],
        unique=False,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "ix_cases_open_lead_worker",
        "cases",
        ["lead_worker_id"],
        unique=False,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "ix_cases_open_team",
        "cases",
        ["team_id"],
        unique=False,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index("ix_cases_opened_on", "cases", ["opened_on", "id"], unique=False)
    op.create_index(
        "ix_cases_risk_level",
        "cases",
        [
            sa.literal_column(
                "(CASE risk_level WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END)"
            ),
            "id",
        ],
        unique=False,
    )
    op.create_index(
        "ix_cases_team_newest",
        "cases",
        ["team_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "uq_cases_one_open",
        "cases",
        ["child_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_table(
        "exchange_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("riel_hundredths", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["users.id"], name=op.f("fk_exchange_rates_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["users.id"], name=op.f("fk_exchange_rates_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rates")),
    )
    op.create_index(op.f("ix_exchange_rates_on"), "exchange_rates", ["on"], unique=False)
    op.create_index("uq_exchange_rates_day", "exchange_rates", ["on", "source"], unique=True)
    op.create_table(
        "funds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("donor", sa.String(), nullable=False),
        sa.Column("grant_code", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("budget", sa.BigInteger(), nullable=True),
        sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("youngest", sa.Integer(), nullable=True),
        sa.Column("oldest", sa.Integer(), nullable=True),
        sa.Column("province_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by_id", sa.Uuid(), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("rest_to_fund_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["closed_by_id"], ["users.id"], name=op.f("fk_funds_closed_by_id")),
        sa.ForeignKeyConstraint(["rest_to_fund_id"], ["funds.id"], name=op.f("fk_funds_rest_to_fund_id")),
        sa.ForeignKeyConstraint(["grant_code"], ["donor_grants.code"], name=op.f("fk_funds_grant_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funds")),
    )
    op.create_index("uq_funds_name", "funds", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "pending_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["users.id"], name=op.f("fk_pending_changes_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_pending_changes_person_id")),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["users.id"], name=op.f("fk_pending_changes_requested_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_changes")),
    )
    op.create_index(
        "ix_pending_changes_created_at",
        "pending_changes",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
    )
    op.create_index(op.f("ix_pending_changes_person_id"), "pending_changes", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_pending_changes_requested_by_id"), "pending_changes", ["requested_by_id"], unique=False
    )
    op.create_index(
        "uq_pending_changes_open",
        "pending_changes",
        ["kind", sa.literal_column("coalesce(person_id, record_id)")],
        unique=True,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("services", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("province_codes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("safeguarding_checked_on", sa.Date(), nullable=True),
        sa.Column("safeguarding_valid_until", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_providers_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
    )
    op.create_table(
        "user_settings",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agenda_digest", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("digest_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("digest_sent_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_settings_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_settings")),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_supervisor", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_team_members_user_id")),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_index(op.f("ix_team_members_user_id"), "team_members", ["user_id"], unique=False)
    op.create_table(
        "api_client_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_id"], ["api_clients.id"], name=op.f("fk_api_client_secrets_client_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_client_secrets")),
    )
    op.create_index(
        op.f("ix_api_client_secrets_client_id"), "api_client_secrets", ["client_id"], unique=False
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("act", sa.String(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record_kind", sa.String(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.Uuid(), nullable=True),
        sa.Column("note_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["users.id"], name=op.f("fk_alerts_acknowledged_by_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_alerts_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("key", name=op.f("uq_alerts_key")),
    )
    op.create_index(op.f("ix_alerts_child_id"), "alerts", ["child_id"], unique=False)
    op.create_index("ix_alerts_created_at", "alerts", ["created_at", "id"], unique=False)
    op.create_index("ix_alerts_team_id", "alerts", ["team_id", "created_at", "id"], unique=False)
    op.create_table(
        "break_glass",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_break_glass_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_break_glass_child_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_break_glass_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
    )
    op.create_index(op.f("ix_break_glass_case_id"), "break_glass", ["case_id"], unique=False)
    op.create_index(op.f("ix_break_glass_child_id"), "break_glass", ["child_id"], unique=False)
    op.create_index("ix_break_glass_opened_at", "break_glass", ["opened_at", "id"], unique=False)
    op.create_index(op.f("ix_break_glass_user_id"), "break_glass", ["user_id"], unique=False)
    op.create_table(
        "case_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("record_kind", sa.String(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("detail_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_history_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_case_history_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_history")),
    )
    op.create_index(op.f("ix_case_history_child_id"), "case_history", ["child_id"], unique=False)
    op.create_index(
        "ix_case_history_newest",
        "case_history",
        ["case_id", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "case_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("linked_child_id", sa.Uuid(), nullable=False),
        sa.Column("linked_case_id", sa.Uuid(), nullable=False),
        sa.Column("linked_by_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_case_links_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_links_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_case_links_child_id")),
        sa.ForeignKeyConstraint(["linked_by_id"], ["users.id"], name=op.f("fk_case_links_linked_by_id")),
        sa.ForeignKeyConstraint(["linked_case_id"], ["cases.id"], name=op.f("fk_case_links_linked_case_id")),
        sa.ForeignKeyConstraint(
            ["linked_child_id"], ["children.id"], name=op.f("fk_case_links_linked_child_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_links")),
    )
    op.create_index(
        "ix_case_links_children", "case_links", ["child_id", "linked_child_id"], unique=False
    )
    op.create_index(
        "ix_case_links_linked_children", "case_links", ["linked_child_id", "child_id"], unique=False
    )
    op.create_index(op.f("ix_case_links_case_id"), "case_links", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_links_linked_case_id"), "case_links", ["linked_case_id"], unique=False)
    op.create_index(
        "uq_case_links_pair",
        "case_links",
        ["case_id", "linked_case_id"],
        unique=True,
        postgresql_where=sa.text("entered_in_error_at IS NULL"),
    )
    op.create_table(
        "case_siblings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("sibling_child_id", sa.Uuid(), nullable=False),
        sa.Column("sibling_case_id", sa.Uuid(), nullable=False),
        sa.Column("named_by_id", sa.Uuid(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_case_siblings_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_siblings_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_case_siblings_child_id")),
        sa.ForeignKeyConstraint(["named_by_id"], ["users.id"], name=op.f("fk_case_siblings_named_by_id")),
        sa.ForeignKeyConstraint(
            ["sibling_case_id"], ["cases.id"], name=op.f("fk_case_siblings_sibling_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["sibling_child_id"], ["children.id"], name=op.f("fk_case_siblings_sibling_child_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_siblings")),
    )
    op.create_index(
        "ix_case_siblings_children", "case_siblings", ["child_id", "sibling_child_id"], unique=False
    )
    op.create_index(
        "ix_case_siblings_sibling_children", "case_siblings", ["sibling_child_id", "child_id"], unique=False
    )
    op.create_index(op.f("ix_case_siblings_case_id"), "case_siblings", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_siblings_sibling_case_id"), "case_siblings", ["sibling_case_id"], unique=False)
    op.create_index(
        "uq_case_siblings_pair",
        "case_siblings",
        ["case_id", "sibling_case_id"],
        unique=True,
        postgresql_where=sa.text("entered_in_error_at IS NULL"),
    )
    op.create_table(
        "assignment_periods",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("previous_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("lead_worker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_assignment_periods_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_assignment_periods_child_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "previous_ended_at"],
            ["assignment_periods.case_id", "assignment_periods.ended_at"],
            name="fk_assignment_periods_previous_period",
        ),
        sa.ForeignKeyConstraint(
            ["lead_worker_id"], ["users.id"], name=op.f("fk_assignment_periods_lead_worker_id")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_assignment_periods_team_id")),
        sa.PrimaryKeyConstraint("case_id", "began_at", name=op.f("pk_assignment_periods")),
        sa.UniqueConstraint("case_id", "ended_at", name=op.f("uq_assignment_periods_case_id_ended_at")),
    )
    op.create_index(op.f("ix_assignment_periods_child_id"), "assignment_periods", ["child_id"], unique=False)
    op.create_index(
        "uq_assignment_periods_current",
        "assignment_periods",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_assignment_periods_first",
        "assignment_periods",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("previous_ended_at IS NULL"),
    )
    op.create_table(
        "status_periods",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("previous_ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_status_periods_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_status_periods_child_id")),
        sa.ForeignKeyConstraint(
            ["case_id", "previous_ended_at"],
            ["status_periods.case_id", "status_periods.ended_at"],
            name="fk_status_periods_previous_period",
        ),
        sa.PrimaryKeyConstraint("case_id", "began_at", name=op.f("pk_status_periods")),
        sa.UniqueConstraint("case_id", "ended_at", name=op.f("uq_status_periods_case_id_ended_at")),
    )
    op.create_index(op.f("ix_status_periods_child_id"), "status_periods", ["child_id"], unique=False)
    op.create_index(
        "uq_status_periods_current",
        "status_periods",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_status_periods_first",
        "status_periods",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("previous_ended_at IS NULL"),
    )
    op.create_table(
        "case_workers",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_workers_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_case_workers_child_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_case_workers_user_id")),
        sa.PrimaryKeyConstraint("case_id", "user_id", name=op.f("pk_case_workers")),
    )
    op.create_index(op.f("ix_case_workers_user_id"), "case_workers", ["user_id"], unique=False)
    op.create_table(
        "clinical_handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("handed_over_by_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_clinical_handovers_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_clinical_handovers_child_id")),
        sa.ForeignKeyConstraint(
            ["handed_over_by_id"], ["users.id"], name=op.f("fk_clinical_handovers_handed_over_by_id")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["users.id"], name=op.f("fk_clinical_handovers_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_handovers")),
    )
    op.create_index(op.f("ix_clinical_handovers_case_id"), "clinical_handovers", ["case_id"], unique=False)
    op.create_index(op.f("ix_clinical_handovers_child_id"), "clinical_handovers", ["child_id"], unique=False)
    op.create_index(op.f("ix_clinical_handovers_worker_id"), "clinical_handovers", ["worker_id"], unique=False)
    op.create_index(
        "ix_clinical_handovers_newest",
        "clinical_handovers",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("scope", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("recipient_agency_id", sa.Uuid(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("basis_without_consent", sa.String(), nullable=True),
        sa.Column("basis_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("basis_confirmed_by_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("added_by_referral_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_givers", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("details_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("withdrawal_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("alternative_giver_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_consents_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["basis_confirmed_by_id"], ["users.id"], name=op.f("fk_consents_basis_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_consents_child_id")),
        sa.ForeignKeyConstraint(
            ["recipient_agency_id"], ["agencies.id"], name=op.f("fk_consents_recipient_agency_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["users.id"], name=op.f("fk_consents_recorded_by_id")),
        sa.ForeignKeyConstraint(["withdrawn_by_id"], ["users.id"], name=op.f("fk_consents_withdrawn_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_case_id"), "consents", ["case_id"], unique=False)
    op.create_index(op.f("ix_consents_child_id"), "consents", ["child_id"], unique=False)
    op.create_index("ix_consents_given_on", "consents", ["given_on", "id"], unique=False)
    op.create_index(
        "ix_consents_newest",
        "consents",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_consents_recipient_agency_newest",
        "consents",
        ["recipient_agency_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_consents_limited",
        "consents",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("valid_until IS NOT NULL"),
    )
    op.create_index(
        "ix_consents_refused",
        "consents",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'refused'"),
    )
    op.create_index(
        "ix_consents_withdrawn",
        "consents",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NOT NULL"),
    )
    op.create_table(
        "disbursements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("beneficiary", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("instalment", sa.Integer(), nullable=False),
        sa.Column("instalments", sa.Integer(), nullable=False),
        sa.Column("release_on", sa.Date(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=True),
        sa.Column("line", sa.String(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approval_due_on", sa.Date(), nullable=True),
        sa.Column("paid_by_id", sa.Uuid(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("tenders", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rounding", sa.BigInteger(), nullable=True),
        sa.Column("acknowledgement_document_id", sa.Uuid(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=True),
        sa.Column("reconciled_by_id", sa.Uuid(), nullable=True),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_document_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("finance_documents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ended_by_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payee_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("reversal_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["users.id"], name=op.f("fk_disbursements_approved_by_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disbursements_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_disbursements_child_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["users.id"], name=op.f("fk_disbursements_ended_by_id")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_disbursements_fund_id")),
        sa.ForeignKeyConstraint(["paid_by_id"], ["users.id"], name=op.f("fk_disbursements_paid_by_id")),
        sa.ForeignKeyConstraint(
            ["reconciled_by_id"], ["users.id"], name=op.f("fk_disbursements_reconciled_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["users.id"], name=op.f("fk_disbursements_requested_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disbursements")),
        sa.UniqueConstraint("number", name=op.f("uq_disbursements_number")),
    )
    op.create_index(op.f("ix_disbursements_case_id"), "disbursements", ["case_id"], unique=False)
    op.create_index("ix_disbursements_amount", "disbursements", ["amount", "id"], unique=False)
    op.create_index(op.f("ix_disbursements_case_number"), "disbursements", ["case_number"], unique=False)
    op.create_index(op.f("ix_disbursements_child_id"), "disbursements", ["child_id"], unique=False)
    op.create_index(
        "ix_disbursements_fund_newest",
        "disbursements",
        ["fund_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_disbursements_newest",
        "disbursements",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_disbursements_emergency_newest",
        "disbursements",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'requested' AND urgency = 'emergency'"),
    )
    op.create_index(
        "ix_disbursements_requester_newest",
        "disbursements",
        ["requested_by_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("ix_disbursements_series_id"), "disbursements", ["series_id"], unique=False)
    op.create_index(
        "ix_disbursements_status_newest",
        "disbursements",
        ["status", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_disbursements_unreceipted",
        "disbursements",
        ["paid_on"],
        unique=False,
        postgresql_where=sa.text("status = 'paid'"),
    )
    op.create_index("ix_disbursements_updated_at", "disbursements", ["updated_at", "id"], unique=False)
    op.create_table(
        "document_contents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_document_contents_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_document_contents_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_contents")),
    )
    op.create_index(op.f("ix_document_contents_case_id"), "document_contents", ["case_id"], unique=False)
    op.create_index(op.f("ix_document_contents_child_id"), "document_contents", ["child_id"], unique=False)
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("about_kind", sa.String(), nullable=True),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("content_digest", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_documents_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_documents_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_documents_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_documents_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_about_id"), "documents", ["about_id"], unique=False)
    op.create_index(
        "ix_documents_newest",
        "documents",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_documents_content_digest",
        "documents",
        ["content_digest"],
        unique=False,
        postgresql_where=sa.text("content_digest IS NOT NULL"),
    )
    op.create_index(op.f("ix_documents_case_id"), "documents", ["case_id"], unique=False)
    op.create_index(op.f("ix_documents_child_id"), "documents", ["child_id"], unique=False)
    op.create_table(
        "exit_plans",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("contributor_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decision_comment_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("conditions_met", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("conditions_unmet", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_exit_plans_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_exit_plans_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_exit_plans_child_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_exit_plans_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["users.id"], name=op.f("fk_exit_plans_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exit_plans")),
    )
    op.create_index(op.f("ix_exit_plans_case_id"), "exit_plans", ["case_id"], unique=False)
    op.create_index(op.f("ix_exit_plans_child_id"), "exit_plans", ["child_id"], unique=False)
    op.create_index(
        "ix_exit_plans_draft",
        "exit_plans",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.create_index("uq_exit_plans_case", "exit_plans", ["case_id"], unique=True)
    op.create_table(
        "follow_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("wellbeing", sa.String(), nullable=True),
        sa.Column("hsb_outcome", sa.String(), nullable=True),
        sa.Column("conditions_met", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("conditions_unmet", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("cancelled_by_case_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_follow_ups_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_follow_ups_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_follow_ups_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_ups")),
    )
    op.create_index(op.f("ix_follow_ups_case_id"), "follow_ups", ["case_id"], unique=False)
    op.create_index(op.f("ix_follow_ups_child_id"), "follow_ups", ["child_id"], unique=False)
    op.create_index(
        "ix_follow_ups_due",
        "follow_ups",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("status IN ('due', 'missed')"),
    )
    op.create_index(
        "uq_follow_ups_months",
        "follow_ups",
        ["case_id", "months"],
        unique=True,
        postgresql_where=sa.text("months IS NOT NULL"),
    )
    op.create_table(
        "deposits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("reference_key", sa.String(), nullable=False),
        sa.Column("duplicate_reason", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("reversed_by_id", sa.Uuid(), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversal_reason", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_deposits_fund_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["users.id"], name=op.f("fk_deposits_recorded_by_id")),
        sa.ForeignKeyConstraint(["reversed_by_id"], ["users.id"], name=op.f("fk_deposits_reversed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposits")),
    )
    op.create_index(
        "ix_deposits_fund_newest",
        "deposits",
        ["fund_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "uq_deposits_reference",
        "deposits",
        ["reference_key"],
        unique=True,
        postgresql_where=sa.text("status = 'recorded' AND duplicate_reason IS NULL"),
    )
    op.create_table(
        "fund_transfers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("from_line", sa.String(), nullable=False),
        sa.Column("to_line", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_fund_transfers_asked_by_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["users.id"], name=op.f("fk_fund_transfers_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_fund_transfers_fund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_transfers")),
    )
    op.create_index(op.f("ix_fund_transfers_fund_id"), "fund_transfers", ["fund_id"], unique=False)
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_ledger_accounts_fund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_accounts")),
    )
    op.create_index("uq_ledger_accounts_place", "ledger_accounts", ["fund_id", "line", "kind"], unique=True)
    op.create_table(
        "legal_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_legal_steps_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_legal_steps_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_steps_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_legal_steps_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_steps")),
    )
    op.create_index(op.f("ix_legal_steps_case_id"), "legal_steps", ["case_id"], unique=False)
    op.create_index(op.f("ix_legal_steps_child_id"), "legal_steps", ["child_id"], unique=False)
    op.create_index(
        "ix_legal_steps_planned",
        "legal_steps",
        ["on"],
        unique=False,
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("relationship", sa.String(), nullable=False),
        sa.Column("is_responsible", sa.Boolean(), nullable=False),
        sa.Column("added_by_referral_id", sa.Uuid(), nullable=True),
        sa.Column("referral_to_confirm_id", sa.Uuid(), nullable=True),
        sa.Column("details_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_people_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_people_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_people_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index(op.f("ix_people_case_id"), "people", ["case_id"], unique=False)
    op.create_index(op.f("ix_people_child_id"), "people", ["child_id"], unique=False)
    op.create_table(
        "record_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("record_kind", sa.String(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("changes_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_record_changes_by_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_record_changes_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_record_changes_child_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_changes")),
    )
    op.create_index(op.f("ix_record_changes_case_id"), "record_changes", ["case_id"], unique=False)
    op.create_index(
        "ix_record_changes_newest",
        "record_changes",
        ["child_id", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_record_changes_referral_id",
        "record_changes",
        ["referral_id"],
        unique=False,
        postgresql_where=sa.text("referral_id IS NOT NULL"),
    )
    op.create_table(
        "referrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("agency_id", sa.Uuid(), nullable=True),
        sa.Column("received_by_id", sa.Uuid(), nullable=True),
        sa.Column("handed_to_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("external_id_key", sa.String(), nullable=True),
        sa.Column("tracking_number", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("concern_kind", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decline_reason_code", sa.String(), nullable=True),
        sa.Column("province_code", sa.String(), nullable=True),
        sa.Column("identity_changed_by_staff", sa.Boolean(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("outcome_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("decision_reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reversed_by_id", sa.Uuid(), nullable=True),
        sa.Column("reversals_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_reversed_by_id"], ["users.id"], name=op.f("fk_referrals_decision_reversed_by_id")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_referrals_agency_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_referrals_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_referrals_child_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_referrals_decided_by_id")),
        sa.ForeignKeyConstraint(["handed_to_id"], ["users.id"], name=op.f("fk_referrals_handed_to_id")),
        sa.ForeignKeyConstraint(["received_by_id"], ["users.id"], name=op.f("fk_referrals_received_by_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_referrals_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("tracking_number", name=op.f("uq_referrals_tracking_number")),
    )
    newest = [sa.literal_column("received_at DESC"), sa.literal_column("id DESC")]
    op.create_index("ix_referrals_agency_newest", "referrals", ["agency_id", *newest], unique=False)
    op.create_index("ix_referrals_team_newest", "referrals", ["team_id", *newest], unique=False)
    op.create_index("ix_referrals_updated_at", "referrals", ["updated_at", "id"], unique=False)
    urgency_rank = sa.literal_column("(CASE urgency WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END)")
    op.create_index("ix_referrals_urgency", "referrals", [urgency_rank, "received_at", "id"], unique=False)
    op.create_index(op.f("ix_referrals_case_id"), "referrals", ["case_id"], unique=False)
    op.create_index(op.f("ix_referrals_child_id"), "referrals", ["child_id"], unique=False)
    op.create_index(op.f("ix_referrals_handed_to_id"), "referrals", ["handed_to_id"], unique=False)
    op.create_index(
        "ix_referrals_newest",
        "referrals",
        [sa.literal_column("received_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(op.f("ix_referrals_received_by_id"), "referrals", ["received_by_id"], unique=False)
    is_open = sa.text("status IN ('received', 'acknowledged', 'information_requested')")
    op.create_index("ix_referrals_open_newest", "referrals", newest, unique=False, postgresql_where=is_open)
    op.create_index(
        "ix_referrals_open_team_newest",
        "referrals",
        ["team_id", *newest],
        unique=False,
        postgresql_where=is_open,
    )
    op.create_index("uq_referrals_agency_external_id", "referrals", ["agency_id", "external_id"], unique=True)
    op.create_index(op.f("ix_referrals_external_id_key"), "referrals", ["external_id_key"], unique=False)
    op.create_table(
        "session_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inner_pad", sa.LargeBinary(), nullable=False),
        sa.Column("outer_pad", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_keys")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("family_digest", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_digest", sa.LargeBinary(), nullable=True),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("idle_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["api_clients.id"], name=op.f("fk_sessions_client_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_client_id"), "sessions", ["client_id"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "support_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attendance", sa.String(), nullable=True),
        sa.Column("areas", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("topics", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("contact_with", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("goal_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_support_sessions_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_support_sessions_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_support_sessions_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_support_sessions_child_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["users.id"], name=op.f("fk_support_sessions_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_sessions")),
    )
    op.create_index(op.f("ix_support_sessions_case_id"), "support_sessions", ["case_id"], unique=False)
    op.create_index(op.f("ix_support_sessions_child_id"), "support_sessions", ["child_id"], unique=False)
    op.create_index(
        "ix_support_sessions_newest",
        "support_sessions",
        ["case_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_support_sessions_planned",
        "support_sessions",
        ["worker_id", "planned_at"],
        unique=False,
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.create_index(
        "ix_support_sessions_planned_case",
        "support_sessions",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("status = 'planned'"),
    )
    op.create_index(op.f("ix_support_sessions_series_id"), "support_sessions", ["series_id"], unique=False)
    session_time = sa.literal_column("(CASE WHEN held_at IS NULL THEN planned_at ELSE held_at END)")
    for name, columns in (("time", []), ("case_time", ["case_id"]), ("worker_time", ["worker_id"])):
        op.create_index(
            f"ix_support_sessions_{name}", "support_sessions", [*columns, session_time, "id"], unique=False
        )
    op.create_table(
        "used_assertions",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("jti", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["api_clients.id"], name=op.f("fk_used_assertions_client_id")),
        sa.PrimaryKeyConstraint("client_id", "jti", name=op.f("pk_used_assertions")),
    )
    op.create_table(
        "assessments",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("contributor_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decision_comment_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("risk_level", sa.String(), nullable=True),
        sa.Column("ratings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("symptoms", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("family_circumstances", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_assessments_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_assessments_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_assessments_child_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_assessments_decided_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_assessments_person_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["assessments.id"], name=op.f("fk_assessments_previous_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["users.id"], name=op.f("fk_assessments_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
    )
    op.create_index(op.f("ix_assessments_case_id"), "assessments", ["case_id"], unique=False)
    op.create_index(op.f("ix_assessments_child_id"), "assessments", ["child_id"], unique=False)
    op.create_index(
        "ix_assessments_submitted",
        "assessments",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("status = 'submitted'"),
    )
    op.create_index(
        "ix_assessments_returned",
        "assessments",
        ["author_id"],
        unique=False,
        postgresql_where=sa.text("status = 'returned'"),
    )
    op.create_index(
        "uq_assessments_one_draft",
        "assessments",
        ["case_id", "subject", sa.literal_column("coalesce(person_id, case_id)")],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'returned', 'submitted')"),
    )
    op.create_table(
        "clinical_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_clinical_notes_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_clinical_notes_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_clinical_notes_child_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["support_sessions.id"], name=op.f("fk_clinical_notes_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinical_notes")),
        sa.UniqueConstraint("session_id", name=op.f("uq_clinical_notes_session_id")),
    )
    op.create_index(op.f("ix_clinical_notes_case_id"), "clinical_notes", ["case_id"], unique=False)
    op.create_index(op.f("ix_clinical_notes_child_id"), "clinical_notes", ["child_id"], unique=False)
    op.create_table(
        "ledger_transactions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("disbursement_id", sa.Uuid(), nullable=True),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.Column("deposit_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_ledger_transactions_by_id")),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposits.id"], name=op.f("fk_ledger_transactions_deposit_id")
        ),
        sa.ForeignKeyConstraint(
            ["disbursement_id"], ["disbursements.id"], name=op.f("fk_ledger_transactions_disbursement_id")
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_ledger_transactions_fund_id")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["fund_transfers.id"], name=op.f("fk_ledger_transactions_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transactions")),
    )
    op.create_index(
        "ix_ledger_transactions_disbursement_id", "ledger_transactions", ["disbursement_id"], unique=False
    )
    op.create_index("ix_ledger_transactions_fund_on", "ledger_transactions", ["fund_id", "on"], unique=False)
    op.create_index(
        "uq_ledger_transactions_deposit", "ledger_transactions", ["deposit_id", "kind"], unique=True
    )
    op.create_table(
        "referral_questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=False),
        sa.Column("question_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["users.id"], name=op.f("fk_referral_questions_asked_by_id")
        ),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_referral_questions_child_id")),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_referral_questions_referral_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_questions")),
    )
    op.create_index(
        op.f("ix_referral_questions_referral_id"), "referral_questions", ["referral_id"], unique=False
    )
    op.create_table(
        "matching_allowances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("allowed_by_id", sa.Uuid(), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["allowed_by_id"], ["users.id"], name=op.f("fk_matching_allowances_allowed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_matching_allowances_referral_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matching_allowances")),
    )
    op.create_index(
        op.f("ix_matching_allowances_referral_id"), "matching_allowances", ["referral_id"], unique=False
    )
    op.create_table(
        "referral_match_readings",
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("identity_digest", sa.LargeBinary(), nullable=False),
        sa.Column("read_by_id", sa.Uuid(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_limited", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["read_by_id"], ["users.id"], name=op.f("fk_referral_match_readings_read_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_referral_match_readings_referral_id")
        ),
        sa.PrimaryKeyConstraint(
            "referral_id", "identity_digest", "read_by_id", name=op.f("pk_referral_match_readings")
        ),
    )
    op.create_index(
        "ix_referral_match_readings_limited",
        "referral_match_readings",
        ["referral_id"],
        unique=False,
        postgresql_where=sa.text("is_limited"),
    )
    op.create_table(
        "referral_matchings",
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("identity_digest", sa.LargeBinary(), nullable=False),
        sa.Column("matched_by_id", sa.Uuid(), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_exempt", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["matched_by_id"], ["users.id"], name=op.f("fk_referral_matchings_matched_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_referral_matchings_referral_id")
        ),
        sa.PrimaryKeyConstraint("referral_id", "identity_digest", name=op.f("pk_referral_matchings")),
    )
    op.create_index(
        "ix_referral_matchings_caller", "referral_matchings", ["matched_by_id", "matched_at"], unique=False
    )
    op.create_table(
        "session_addenda",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("text_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_session_addenda_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_session_addenda_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_session_addenda_child_id")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["support_sessions.id"], name=op.f("fk_session_addenda_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_addenda")),
    )
    op.create_index(op.f("ix_session_addenda_case_id"), "session_addenda", ["case_id"], unique=False)
    op.create_index(op.f("ix_session_addenda_child_id"), "session_addenda", ["child_id"], unique=False)
    op.create_index(op.f("ix_session_addenda_session_id"), "session_addenda", ["session_id"], unique=False)
    op.create_table(
        "care_plans",
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("contributor_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decision_comment_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("needs_social_work", sa.Boolean(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessments.id"], name=op.f("fk_care_plans_assessment_id")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_care_plans_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_care_plans_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_care_plans_child_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_care_plans_decided_by_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_care_plans_person_id")),
        sa.ForeignKeyConstraint(["previous_id"], ["care_plans.id"], name=op.f("fk_care_plans_previous_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["users.id"], name=op.f("fk_care_plans_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_plans")),
    )
    op.create_index(op.f("ix_care_plans_case_id"), "care_plans", ["case_id"], unique=False)
    op.create_index(op.f("ix_care_plans_child_id"), "care_plans", ["child_id"], unique=False)
    op.create_index(
        "ix_care_plans_submitted",
        "care_plans",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("status = 'submitted'"),
    )
    op.create_index(
        "ix_care_plans_returned",
        "care_plans",
        ["author_id"],
        unique=False,
        postgresql_where=sa.text("status = 'returned'"),
    )
    op.create_index(
        "uq_care_plans_edition",
        "care_plans",
        ["case_id", "subject", sa.literal_column("coalesce(person_id, case_id)"), "edition"],
        unique=True,
    )
    op.create_index(
        "uq_care_plans_one_approved",
        "care_plans",
        ["case_id", "subject", sa.literal_column("coalesce(person_id, case_id)")],
        unique=True,
        postgresql_where=sa.text("status = 'approved'"),
    )
    op.create_index(
        "uq_care_plans_one_draft",
        "care_plans",
        ["case_id", "subject", sa.literal_column("coalesce(person_id, case_id)")],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'returned', 'submitted')"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name=op.f("fk_ledger_entries_account_id")
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_ledger_entries_fund_id")),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["ledger_transactions.id"], name=op.f("fk_ledger_entries_transaction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index(op.f("ix_ledger_entries_account_id"), "ledger_entries", ["account_id"], unique=False)
    op.create_index(
        "ix_ledger_entries_fund_newest",
        "ledger_entries",
        ["fund_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        op.f("ix_ledger_entries_transaction_id"), "ledger_entries", ["transaction_id"], unique=False
    )
    op.create_table(
        "goals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_goals_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_goals_child_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["care_plans.id"], name=op.f("fk_goals_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goals")),
    )
    op.create_index(op.f("ix_goals_case_id"), "goals", ["case_id"], unique=False)
    op.create_index(op.f("ix_goals_child_id"), "goals", ["child_id"], unique=False)
    op.create_index(op.f("ix_goals_plan_id"), "goals", ["plan_id"], unique=False)
    op.create_table(
        "plan_areas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_plan_areas_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_plan_areas_child_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["care_plans.id"], name=op.f("fk_plan_areas_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_areas")),
    )
    op.create_index(op.f("ix_plan_areas_case_id"), "plan_areas", ["case_id"], unique=False)
    op.create_index(op.f("ix_plan_areas_child_id"), "plan_areas", ["child_id"], unique=False)
    op.create_index("uq_plan_areas_plan_area", "plan_areas", ["plan_id", "area"], unique=True)
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("ratings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decisions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_by_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reviews_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_reviews_child_id")),
        sa.ForeignKeyConstraint(["completed_by_id"], ["users.id"], name=op.f("fk_reviews_completed_by_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["care_plans.id"], name=op.f("fk_reviews_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_case_id"), "reviews", ["case_id"], unique=False)
    op.create_index(op.f("ix_reviews_child_id"), "reviews", ["child_id"], unique=False)
    op.create_index("ix_reviews_due", "reviews", ["status", "due_on", "id"], unique=False)
    op.create_index("uq_reviews_number", "reviews", ["case_id", "number"], unique=True)
    op.create_index(
        "uq_reviews_one_scheduled",
        "reviews",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("status = 'scheduled'"),
    )
    op.create_table(
        "feedback",
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.String(), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("helped_by", sa.String(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("comment_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_feedback_author_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_feedback_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_feedback_child_id")),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"], ["users.id"], name=op.f("fk_feedback_entered_in_error_by_id")
        ),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_feedback_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_case_id"), "feedback", ["case_id"], unique=False)
    op.create_index(op.f("ix_feedback_child_id"), "feedback", ["child_id"], unique=False)
    op.create_table(
        "actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("goal_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("note_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_actions_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_actions_child_id")),
        sa.ForeignKeyConstraint(["goal_id"], ["goals.id"], name=op.f("fk_actions_goal_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["care_plans.id"], name=op.f("fk_actions_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
    )
    op.create_index(op.f("ix_actions_case_id"), "actions", ["case_id"], unique=False)
    op.create_index(op.f("ix_actions_child_id"), "actions", ["child_id"], unique=False)
    op.create_index(
        "ix_actions_due", "actions", ["case_id", "due_on"], unique=False, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(op.f("ix_actions_goal_id"), "actions", ["goal_id"], unique=False)
    op.create_index(op.f("ix_actions_plan_id"), "actions", ["plan_id"], unique=False)
    op.create_table(
        "disbursement_details",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("goal_id", sa.Uuid(), nullable=True),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_disbursement_details_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_disbursement_details_child_id")),
        sa.ForeignKeyConstraint(["goal_id"], ["goals.id"], name=op.f("fk_disbursement_details_goal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disbursement_details")),
    )
    op.create_index(op.f("ix_disbursement_details_case_id"), "disbursement_details", ["case_id"], unique=False)
    op.create_index(op.f("ix_disbursement_details_child_id"), "disbursement_details", ["child_id"], unique=False)
    op.create_table(
        "service_referrals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("child_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=True),
        sa.Column("goal_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("basis_without_consent", sa.String(), nullable=True),
        sa.Column("basis_entry_id", sa.Uuid(), nullable=True),
        sa.Column("shared_fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("recall_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_by_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("answer_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("recall_note_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_service_referrals_author_id")),
        sa.ForeignKeyConstraint(
            ["basis_entry_id"], ["consents.id"], name=op.f("fk_service_referrals_basis_entry_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_service_referrals_case_id")),
        sa.ForeignKeyConstraint(["child_id"], ["children.id"], name=op.f("fk_service_referrals_child_id")),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["consents.id"], name=op.f("fk_service_referrals_consent_id")
        ),
        sa.ForeignKeyConstraint(["goal_id"], ["goals.id"], name=op.f("fk_service_referrals_goal_id")),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_service_referrals_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["recalled_by_id"], ["users.id"], name=op.f("fk_service_referrals_recalled_by_id")
        ),
        sa.ForeignKeyConstraint(["sent_by_id"], ["users.id"], name=op.f("fk_service_referrals_sent_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_referrals")),
    )
    op.create_index(
        "ix_service_referrals_waiting",
        "service_referrals",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("status IN ('sent', 'accepted')"),
    )
    op.create_index(
        "ix_service_referrals_recall",
        "service_referrals",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("recall_requested_at IS NOT NULL AND recalled_at IS NULL"),
    )
    op.create_index(
        "ix_service_referrals_newest",
        "service_referrals",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_service_referrals_updated_at", "service_referrals", ["updated_at", "id"], unique=False)
    op.create_index(op.f("ix_service_referrals_case_id"), "service_referrals", ["case_id"], unique=False)
    op.create_index(op.f("ix_service_referrals_child_id"), "service_referrals", ["child_id"], unique=False)
    op.create_index(
        op.f("ix_service_referrals_provider_id"), "service_referrals", ["provider_id"], unique=False
    )
    op.create_table(
        "outreach_activities",
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=True),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("venue", sa.String(), nullable=True),
        sa.Column("government_level", sa.String(), nullable=True),
        sa.Column("partner_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("partner_names", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("facilitator_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("facilitator_agencies", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=True),
        sa.Column("score_maximum", sa.Float(), nullable=True),
        sa.Column("tested_before", sa.Integer(), nullable=True),
        sa.Column("mean_before", sa.Float(), nullable=True),
        sa.Column("tested_after", sa.Integer(), nullable=True),
        sa.Column("mean_after", sa.Float(), nullable=True),
        sa.Column("search_key", sa.String(), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"],
            ["users.id"],
            name=op.f("fk_outreach_activities_entered_in_error_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["place_code"], ["places.code"], name=op.f("fk_outreach_activities_place_code")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["users.id"], name=op.f("fk_outreach_activities_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_activities")),
    )
    op.create_index(
        "ix_outreach_activities_created_at", "outreach_activities", ["created_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_outreach_activities_place_code"), "outreach_activities", ["place_code"], unique=False
    )
    op.create_index(
        "ix_outreach_activities_starts_on", "outreach_activities", ["starts_on", "id"], unique=False
    )
    op.create_table(
        "outreach_participants",
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("attendances", sa.Integer(), nullable=False),
        sa.Column("sex_male", sa.Integer(), nullable=False),
        sa.Column("sex_female", sa.Integer(), nullable=False),
        sa.Column("sex_other", sa.Integer(), nullable=False),
        sa.Column("sex_unknown", sa.Integer(), nullable=False),
        sa.Column("age_under_5", sa.Integer(), nullable=False),
        sa.Column("age_from_5_to_9", sa.Integer(), nullable=False),
        sa.Column("age_from_10_to_13", sa.Integer(), nullable=False),
        sa.Column("age_from_14_to_17", sa.Integer(), nullable=False),
        sa.Column("age_from_18_to_24", sa.Integer(), nullable=False),
        sa.Column("age_from_25_to_59", sa.Integer(), nullable=False),
        sa.Column("age_from_60", sa.Integer(), nullable=False),
        sa.Column("age_unknown", sa.Integer(), nullable=False),
        sa.Column("disability_yes", sa.Integer(), nullable=False),
        sa.Column("disability_no", sa.Integer(), nullable=False),
        sa.Column("disability_unknown", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["outreach_activities.id"], name=op.f("fk_outreach_participants_activity_id")
        ),
        sa.PrimaryKeyConstraint("activity_id", "audience", name=op.f("pk_outreach_participants")),
    )
    op.create_table(
        "outreach_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_id", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("changes_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["outreach_activities.id"], name=op.f("fk_outreach_changes_activity_id")
        ),
        sa.ForeignKeyConstraint(["changed_by_id"], ["users.id"], name=op.f("fk_outreach_changes_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_changes")),
    )
    op.create_index(
        "ix_outreach_changes_activity", "outreach_changes", ["activity_id", "changed_at", "id"], unique=False
    )
    op.create_table(
        "outreach_attachments",
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=False),
        sa.Column("details_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["outreach_activities.id"], name=op.f("fk_outreach_attachments_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"],
            ["users.id"],
            name=op.f("fk_outreach_attachments_entered_in_error_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["users.id"], name=op.f("fk_outreach_attachments_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_attachments")),
    )
    op.create_index(
        "ix_outreach_attachments_newest",
        "outreach_attachments",
        ["activity_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "outreach_attachment_contents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id"], ["outreach_attachments.id"], name=op.f("fk_outreach_attachment_contents_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outreach_attachment_contents")),
    )
    op.create_table(
        "supervision_meetings",
        sa.Column("entered_in_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_in_error_by_id", sa.Uuid(), nullable=True),
        sa.Column("entered_in_error_reason_encrypted", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("supervisor_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entered_in_error_by_id"],
            ["users.id"],
            name=op.f("fk_supervision_meetings_entered_in_error_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supervisor_id"], ["users.id"], name=op.f("fk_supervision_meetings_supervisor_id")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_supervision_meetings_team_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["users.id"], name=op.f("fk_supervision_meetings_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_meetings")),
    )
    op.create_index(
        "ix_supervision_meetings_held_on", "supervision_meetings", ["held_on", "id"], unique=False
    )
    op.create_index(
        op.f("ix_supervision_meetings_supervisor_id"), "supervision_meetings", ["supervisor_id"], unique=False
    )
    op.create_index(
        "ix_supervision_meetings_team", "supervision_meetings", ["team_id", "held_on"], unique=False
    )
    op.create_index(
        "ix_supervision_meetings_worker", "supervision_meetings", ["worker_id", "held_on"], unique=False
    )
    op.create_table(
        "supervision_actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("what_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["supervision_meetings.id"], name=op.f("fk_supervision_actions_meeting_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_supervision_actions_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_actions")),
    )
    op.create_index(
        op.f("ix_supervision_actions_meeting_id"), "supervision_actions", ["meeting_id"], unique=False
    )
    op.create_index(
        "ix_supervision_actions_open",
        "supervision_actions",
        ["owner_id"],
        unique=False,
        postgresql_where=sa.text("done_on IS NULL"),
    )
    op.create_table(
        "supervision_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text_encrypted", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["supervision_meetings.id"], name=op.f("fk_supervision_notes_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_notes")),
    )
    op.create_table(
        "report_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_by_id", sa.Uuid(), nullable=False),
        sa.Column("reports", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("compares", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("grant_code", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_code"], ["donor_grants.code"], name=op.f("fk_report_runs_grant_code")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["users.id"], name=op.f("fk_report_runs_requested_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_runs")),
    )
    op.create_index(
        "ix_report_runs_newest", "report_runs", ["requested_by_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "report_run_contents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pdf_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("xlsx_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("missing_characters", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["report_runs.id"], name=op.f("fk_report_run_contents_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_run_contents")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("prepared_by_id", sa.Uuid(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("audited_reports", sa.Integer(), nullable=False),
        sa.Column("tables_to_drop", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discarded_by_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["approved_by_id"], ["users.id"], name=op.f("fk_releases_approved_by_id")),
        sa.ForeignKeyConstraint(["discarded_by_id"], ["users.id"], name=op.f("fk_releases_discarded_by_id")),
        sa.ForeignKeyConstraint(["prepared_by_id"], ["users.id"], name=op.f("fk_releases_prepared_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
    )
    op.create_index("ix_releases_last_day", "releases", ["last_day", "id"], unique=False)
    for name, columns, condition in (
        ("uq_releases_edition", ["period", "edition"], "status = 'published'"),
        ("uq_releases_open", ["period"], "status IN ('draft', 'auditing')"),
        ("uq_releases_auditing", ["status"], "status = 'auditing'"),
    ):
        op.create_index(name, "releases", columns, unique=True, postgresql_where=sa.text(condition))
    op.create_table(
        "released_tables",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("dimensions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_released_tables_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_released_tables")),
        sa.UniqueConstraint("release_id", "name", name=op.f("uq_released_tables_release_id_name")),
    )
    op.create_index(op.f("ix_released_tables_report"), "released_tables", ["report"], unique=False)
    op.create_table(
        "release_populations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("dimensions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("counts_encrypted", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name=op.f("fk_release_populations_release_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_populations")),
        sa.UniqueConstraint("release_id", "report", name=op.f("uq_release_populations_release_id_report")),
    )
    op.create_table(
        "child_merges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kept_child_id", sa.Uuid(), nullable=False),
        sa.Column("merged_child_id", sa.Uuid(), nullable=False),
        sa.Column("case_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("merged_by_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unmerged_by_id", sa.Uuid(), nullable=True),
        sa.Column("unmerged_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["kept_child_id"], ["children.id"], name=op.f("fk_child_merges_kept_child_id")),
        sa.ForeignKeyConstraint(["merged_by_id"], ["users.id"], name=op.f("fk_child_merges_merged_by_id")),
        sa.ForeignKeyConstraint(
            ["merged_child_id"], ["children.id"], name=op.f("fk_child_merges_merged_child_id")
        ),
        sa.ForeignKeyConstraint(["unmerged_by_id"], ["users.id"], name=op.f("fk_child_merges_unmerged_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_child_merges")),
    )
    op.create_index(op.f("ix_child_merges_kept_child_id"), "child_merges", ["kept_child_id"], unique=False)
    op.create_index(
        "uq_child_merges_merged_child",
        "child_merges",
        ["merged_child_id"],
        unique=True,
        postgresql_where=sa.text("unmerged_at IS NULL"),
    )
    for table in CASE_TABLES:
        create_case_and_child_key(table, "case_id", "child_id")
    create_case_and_child_key("case_links", "linked_case_id", "linked_child_id")
    create_case_and_child_key("case_siblings", "sibling_case_id", "sibling_child_id")


def create_case_and_child_key(table: str, case_column: str, child_column: str) -> None:
    """Create the foreign key by which the records of a case follow the case to another child."""
    op.create_foreign_key(
        op.f(f"fk_{table}_{case_column}_{child_column}"),
        table,
        "cases",
        [case_column, child_column],
        ["id", "child_id"],
        onupdate="CASCADE",
    )
