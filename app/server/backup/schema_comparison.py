"""Compare the schema of a restored database with the one that the migrations of this version create.

`pg_dump` describes both schemas: tables, constraints, indexes, policies, functions, triggers, owners, privileges and
comments. The partitions of the access log differ by month, so only their form is compared.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Mapping

from app.database import migrations
from app.database.connections import connect
from app.database.urls import replace_database
from app.server.backup.postgres_programs import find_program, run_program
from app.server.backup.target_database import create_scratch_database, get_maintenance_url

Section = tuple[str, str, str]
"""Type, schema and name of a part of a dump."""
HEADER = re.compile(r"^-- Name: (?P<name>.*); Type: (?P<type>[^;]*); Schema: (?P<schema>[^;]*); Owner: .*$")
NOISE = re.compile(r"^(--|\\|$|SET default_(tablespace|table_access_method) )")
"""Comments, settings of the session, and the random key of `pg_dump`."""
PARTITION = re.compile(r"access_(events|entries)_\d{4}_\d{2}")
UUID_LITERAL = re.compile(r"'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'")
TEXT_CONSTANT = re.compile(r"'(?:[^']|'')*'::character varying")
TEXT_ARRAY = re.compile(
    rf"\(ARRAY\[((?:{TEXT_CONSTANT.pattern})(?:, {TEXT_CONSTANT.pattern})*)\]\)::text\[\]"
)
IGNORED_TYPES = frozenset({"EXTENSION", "TABLE DATA"})


async def compare_with_baseline(admin_url: str, owner_url: str, major: int, prefix: str) -> list[str]:
    """Return a phrase for each difference between the database of the URLs and a new one.

    The new database is created in the same cluster, with a name that no other database has, and dropped again.
    """
    program = find_program("pg_dump", major)
    restored = parse_schema(await run_program(program, "--schema-only", url=admin_url))
    scratch = f"{prefix}_baseline_{secrets.token_hex(4)}"
    async with connect(get_maintenance_url(admin_url)) as connection:
        await create_scratch_database(connection, scratch)
        try:
            await create_roles_and_schema(
                replace_database(admin_url, scratch), replace_database(owner_url, scratch), prefix
            )
            text = await run_program(program, "--schema-only", url=replace_database(admin_url, scratch))
        finally:
            await connection.execute(f'DROP DATABASE "{scratch}" WITH (FORCE)')
    return find_differences(parse_schema(text), restored)


async def create_roles_and_schema(admin_url: str, owner_url: str, prefix: str) -> None:
    """Give an empty database the privileges of the roles, and the newest schema."""
    await apply_roles(admin_url, prefix)
    await migrations.run_in_thread(migrations.upgrade_schema, owner_url)


async def apply_roles(admin_url: str, prefix: str) -> None:
    """Run the script of the roles in a database. Existing roles keep their passwords."""
    script = migrations.render_sql_script(migrations.MIGRATIONS_DIR / "roles.sql", prefix)
    async with connect(admin_url) as connection:
        await connection.execute(script)


def parse_schema(dump: str) -> dict[Section, set[str]]:
    """Return the statements of a dump by the object that they belong to."""
    sections: defaultdict[Section, list[str]] = defaultdict(list)
    current: Section | None = None
    for line in dump.splitlines():
        if match := HEADER.match(line):
            current = (match["type"], match["schema"], PARTITION.sub(r"access_\1_<month>", match["name"]))
            sections[current].append("")
        elif current is not None and not NOISE.match(line):
            sections[current][-1] += f"{line}\n"
    return {
        section: {normalize_statement(text) for text in texts}
        for section, texts in sections.items()
        if section[0] not in IGNORED_TYPES
    }


def normalize_statement(text: str) -> str:
    """Return a statement without the month of a partition, and with arrays of texts in the form that a restore gives them.

    PostgreSQL reads `(ARRAY['a'::character varying])::text[]` and then writes `ARRAY[('a'::character varying)::text]`.
    """
    text = TEXT_ARRAY.sub(
        lambda array: f"ARRAY[{', '.join(f'({text})::text' for text in TEXT_CONSTANT.findall(array[1]))}]",
        text,
    )
    return (
        UUID_LITERAL.sub("<id>", PARTITION.sub(r"access_\1_<month>", text))
        if PARTITION.search(text)
        else text
    )


def find_differences(expected: Mapping[Section, set[str]], restored: Mapping[Section, set[str]]) -> list[str]:
    """Return a phrase for each object that is missing, additional or different."""
    differences = []
    for section in sorted(expected.keys() | restored.keys()):
        if expected.get(section) != restored.get(section):
            state = (
                "is missing"
                if section not in restored
                else "is additional"
                if section not in expected
                else "differs"
            )
            differences.append(f"{section[0]} {section[2]} {state}")
    return differences
