"""The roles of users and API clients."""

from enum import StrEnum


class Role(StrEnum):
    """A role of a user or of an API client. A user can have several roles and has the permissions of all of them."""

    social_worker = "social_worker"
    supervisor = "supervisor"
    programme_manager = "programme_manager"
    finance_officer = "finance_officer"
    me_officer = "me_officer"
    data_protection_officer = "data_protection_officer"
    administrator = "administrator"
    partner_system = "partner_system"
    reporting_script = "reporting_script"


ROLE_BY_SCOPE: dict[str, Role] = {"referrals": Role.partner_system, "reports": Role.reporting_script}
"""The role that each scope gives to an API client."""
