"""Generate hostile SQL for the database role of the API: reads, writes, function calls, settings and DDL."""

from random import Random
from typing import Any, NamedTuple

TABLES_QUERY = """
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
COLUMNS_QUERY = """
    SELECT a.attrelid::regclass::text AS table_name, a.attname::text AS name, format_type(a.atttypid, NULL) AS type
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     ORDER BY 1, a.attnum
"""
FUNCTIONS_QUERY = """
    SELECT p.oid::regproc::text AS name,
           ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n) AS types
      FROM pg_proc p
     WHERE p.pronamespace IN ('access'::regnamespace, 'public'::regnamespace) AND p.prorettype <> 'trigger'::regtype
     ORDER BY 1
"""
READS = (
    "SELECT * FROM {table}", "SELECT count(*) FROM {table}", "TABLE {table} LIMIT 5", "SELECT * FROM {table} FOR UPDATE",
    "SELECT * FROM {table} WHERE {id_column} = '{id}'", "SELECT max(t::text) FROM {table} t",
    "SELECT a.* FROM {table} a JOIN children c ON true", "WITH x AS MATERIALIZED (TABLE {table}) SELECT * FROM x",
    "DELETE FROM {table} RETURNING *", "UPDATE {table} SET {column} = {column} RETURNING *",
    "SELECT query_to_xml('TABLE {table}', true, false, '')", "SELECT * FROM (TABLE {table} UNION TABLE {table}) u",
)  # fmt: skip
WRITES = (
    "UPDATE {table} SET {column} = {value}", "UPDATE {table} SET {column} = {value} WHERE {id_column} = '{id}'",
    "DELETE FROM {table}", "DELETE FROM {table} WHERE {id_column} = '{id}'", "TRUNCATE {table} CASCADE",
    "INSERT INTO {table} SELECT * FROM {table}", "INSERT INTO {table} ({column}) VALUES ({value})",
    "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, '{row}'::jsonb)).*",
)  # fmt: skip
OTHERS = (
    "SET row_security = off", "SET ROLE firststep_owner", "SET ROLE firststep_gate", "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica", "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", "DROP TABLE {table}",
    "ALTER TABLE {table} OWNER TO firststep_api", "GRANT ALL ON {table} TO PUBLIC", "CREATE TABLE stolen AS TABLE {table}",
    "CREATE TEMP TABLE stolen AS TABLE {table}", "DROP POLICY visible_with_case ON {table}", "LOCK TABLE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL", "COPY {table} TO PROGRAM 'cat'", "COPY {table} FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')", "SELECT pg_ls_dir('.')",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "CREATE EXTENSION dblink",
    "ALTER ROLE firststep_api BYPASSRLS", "ALTER ROLE firststep_api SET synchronous_commit = off",
    "CREATE POLICY p ON {table} USING (true)", "CREATE TRIGGER t BEFORE UPDATE ON {table} EXECUTE FUNCTION f()",
    "CREATE VIEW v AS TABLE {table}", "CREATE INDEX ON {table} ({column})", "DO $$ BEGIN PERFORM 1; END $$",
    "SELECT most_common_vals::text FROM pg_stats WHERE tablename = '{table}' AND most_common_vals IS NOT NULL",
)  # fmt: skip


class Statement(NamedTuple):
    """One hostile statement, and the table that it is about."""

    sql: str
    table: str


class StatementGenerator:
    """Chooses statements at random from the tables, columns and functions of the catalog."""

    def __init__(self, rng: Random, rows: dict[str, list[str]], ids: list[str]) -> None:
        """`rows` are existing rows of each table as JSON, and `ids` the ids of records."""
        self.rng, self.rows, self.ids = rng, rows, ids
        self.columns: dict[str, list[tuple[str, str]]] = {}
        self.functions: list[tuple[str, list[str]]] = []

    async def read_catalog(self, superuser: Any) -> None:
        for row in await superuser.fetch(COLUMNS_QUERY):
            self.columns.setdefault(row["table_name"], []).append((row["name"], row["type"]))
        self.functions = [(row["name"], row["types"]) for row in await superuser.fetch(FUNCTIONS_QUERY)]

    def next_statement(self) -> Statement:
        table = self.rng.choice(sorted(self.columns))
        template = self.rng.choice(self.rng.choices((READS, WRITES, OTHERS, ("",)), (5, 4, 1, 2))[0])
        if not template:
            return Statement(self._build_call(), table)
        column, column_type = self.rng.choice(self.columns[table])
        names = {name for name, _ in self.columns[table]}
        values = {
            "table": table,
            "column": column,
            "value": self._choose_value(column_type),
            "id_column": self.rng.choice(
                [name for name in ("id", "child_id", "case_id") if name in names] or [column]
            ),
            "id": self.rng.choice(self.ids),
            "row": self._mutate_row(table),
        }
        return Statement(template.format(**values), table)

    def _build_call(self) -> str:
        name, types = self.rng.choice(self.functions)
        arguments = ", ".join(f"{self._choose_value(type_name)}::{type_name}" for type_name in types)
        return f"SELECT {name}({arguments})::text"

    def _mutate_row(self, table: str) -> str:
        """Return an existing row with a new id, which claims to be about the same child."""
        row = self.rng.choice(self.rows.get(table) or ["{}"])
        return row.replace(self.rng.choice(self.ids), self.rng.choice(self.ids)).replace("'", "''")

    def _choose_value(self, type_name: str) -> str:
        rng = self.rng
        if type_name.endswith("[]"):
            return f"ARRAY[{self._choose_value(type_name.removesuffix('[]'))}]"
        values = {
            "uuid": [f"'{rng.choice(self.ids)}'", "NULL", "gen_random_uuid()"],
            "text": ["'closed'", "'case.read'", "''", "'firststep_owner'"],
            "character varying": ["'closed'", "'approved'", "''"],
            "boolean": ["true", "false"],
            "integer": ["0", "1", "999"],
            "bigint": ["0", "1"],
            "bytea": [r"'\x00'"],
            "timestamp with time zone": ["now()", "now() + interval '10 years'"],
            "date": ["current_date", "current_date - 4000"],
            "jsonb": ["'{}'"],
            "numeric": ["1.00"],
        }
        return rng.choice(values.get(type_name, ["NULL"]))
