"""Acts in the access log: the permissions, and the acts that need none."""

from enum import StrEnum

from app.access.permissions import Permission


class ActWithoutPermission(StrEnum):
    """The acts in the access log that need no permission."""

    account_sign_in = "account.sign_in"
    account_refresh = "account.refresh"
    account_refresh_reuse = "account.refresh_reuse"
    account_sign_out = "account.sign_out"
    client_sign_in = "client.sign_in"
    client_revoke_token = "client.revoke_token"  # noqa: S105 - an act, not a password
    agenda_feed = "agenda.feed"
    agenda_digest = "agenda.digest"
    report_read_entry_profile = "report.read_entry_profile"
    # Processes of the server
    keys_reencrypt = "keys.reencrypt"
    keys_retire = "keys.retire"
    search_tokens_rebuild = "search_tokens.rebuild"
    # Commands of an operator
    users_create_first = "users.create_first"
    users_disable = "users.disable"
    users_list = "users.list"
    users_reset_password = "users.reset_password"  # noqa: S105 - an act, not a password
    users_reset_second_factor = "users.reset_second_factor"
    database_restore = "database.restore"


Act = Permission | ActWithoutPermission
"""An act in the access log."""
