"""Database access: engine, connection URLs, the embedded server, migrations, translation of database errors."""
