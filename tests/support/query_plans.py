"""Record the plans that PostgreSQL executes in a database, and how often it plans each statement."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

RECORDING_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_timing": "off",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.track_planning": "on",
}
"""Settings of a database whose plans are recorded. They apply to new connections."""
LOGGED_PLAN = re.compile(r"ms  plan:\n((?:\t.*\n)+)")
PARTITION_SUFFIX = re.compile(r"_(\d{4}_\d{2}|default)$")
REMOVED_FIELDS = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
LARGE_TABLES_QUERY = """
    SELECT relname::text FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND reltuples > 1000
"""
"""Names of the tables and partitions with more than 1,000 rows."""
RESET_STATISTICS_QUERY = """
    SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()
"""
# Excludes the statement that begins a read transaction. It contains the id of the access, so that PostgreSQL plans it
# every time.
PLAN_COUNTS_QUERY = """
    SELECT s.query, max(s.plans) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = current_database() AND s.userid <> current_user::regrole AND s.query NOT LIKE '%set_config%'
     GROUP BY s.query
"""


@dataclass
class ReadRows:
    """The rows of large tables that the statements of a request read, by table. Partitions are counted together."""

    scanned: Counter[str] = field(default_factory=Counter)
    """Rows that a scan read, also those that a filter removed."""
    removed: Counter[str] = field(default_factory=Counter)
    """Rows that a filter removed."""
    sequential_scans: set[str] = field(default_factory=set)
    """Tables that were read without an index."""


def count_read_rows(log: str, large_tables: Collection[str]) -> ReadRows:
    """Return the rows that the plans in a part of the server log read. Small tables do not count."""
    rows = ReadRows()
    for text in LOGGED_PLAN.findall(log):
        for node in _list_nodes(json.loads(text)["Plan"]):
            name = node.get("Relation Name", "")
            if name in large_tables:
                table, loops = PARTITION_SUFFIX.sub("", name), node["Actual Loops"]
                removed = round(sum(node.get(each, 0) for each in REMOVED_FIELDS) * loops)
                rows.removed[table] += removed
                rows.scanned[table] += round(node["Actual Rows"] * loops) + removed
                if node["Node Type"] == "Seq Scan":
                    rows.sequential_scans.add(table)
    return rows


def _list_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _list_nodes(child)
