"""Back up an installation, restore it, and verify the restored database.

A backup is a directory with the dump of the database and a manifest, and an encrypted copy of the key ring in a
separate file. docs/operations.md describes the commands.
"""
