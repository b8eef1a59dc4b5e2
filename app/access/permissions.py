"""Who may do what: one table. Which rows they may do it to is decided in the database.

A permission is an act, and names the act in the access log. To read the policy, read `POLICY`.
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to First Step; a person may be several."""

    social_worker = "social_worker"
    supervisor = "supervisor"
    programme_manager = "programme_manager"
    finance_officer = "finance_officer"
    me_officer = "me_officer"
    data_protection_officer = "data_protection_officer"
    administrator = "administrator"
    partner_system = "partner_system"
    reporting_script = "reporting_script"


class Permission(StrEnum):
    """Every act that somebody may be allowed."""

    own_account = "account.own"
    own_sessions_end = "account.end_session"
    own_password = "account.change_password"  # noqa: S105 - an act, not a secret
    own_second_factor = "account.second_factor"

    user_read = "user.read"
    user_manage = "user.manage"
    team_read = "team.read"
    team_manage = "team.manage"
    agency_read = "agency.read"
    agency_manage = "agency.manage"
    api_client_read = "api_client.read"
    api_client_manage = "api_client.manage"

    referral_receive = "referral.receive"
    referral_read = "referral.read"
    referral_list = "referral.list"
    referral_complete = "referral.complete"
    referral_acknowledge = "referral.acknowledge"
    referral_ask = "referral.request_information"
    referral_answer = "referral.provide_information"
    referral_match = "referral.match"
    referral_accept = "referral.accept"
    referral_decline = "referral.decline"
    referral_withdraw = "referral.withdraw"

    child_read = "child.read"
    child_search = "child.search"
    child_change = "child.change"

    case_read = "case.read"
    case_list = "case.list"
    case_change = "case.change"
    case_assign = "case.assign"
    case_transfer = "case.transfer"
    case_break_glass = "case.break_glass"
    case_link = "case.link"
    case_timeline = "case.timeline"

    person_read = "person.read"
    person_add = "person.add"
    person_change = "person.change"
    consent_read = "consent.read"
    consent_record = "consent.record"
    consent_withdraw = "consent.withdraw"

    log_read = "access_log.read"
    log_read_child = "access_log.read_child"
    broken_glass_read = "access_log.read_broken_glass"


_WORKERS = frozenset({Role.social_worker, Role.supervisor})
_CASEWORK = _WORKERS | {Role.programme_manager}
_LEADERS = frozenset({Role.supervisor, Role.programme_manager})
_ADMINISTRATION = frozenset({Role.administrator})
_STAFF = frozenset(Role) - {Role.partner_system, Role.reporting_script}
_REFERRERS = _CASEWORK | {Role.partner_system}
_LOG_READERS = frozenset({Role.data_protection_officer, Role.supervisor})

POLICY: dict[Permission, frozenset[Role]] = {
    Permission.own_account: _STAFF,
    Permission.own_sessions_end: _STAFF,
    Permission.own_password: _STAFF,
    Permission.own_second_factor: _STAFF,
    # Configuration, and the names that casework needs to choose from
    Permission.user_read: _ADMINISTRATION | _LEADERS | {Role.data_protection_officer},
    Permission.user_manage: _ADMINISTRATION,
    Permission.team_read: _ADMINISTRATION | _CASEWORK | {Role.data_protection_officer},
    Permission.team_manage: _ADMINISTRATION,
    Permission.agency_read: _ADMINISTRATION | _CASEWORK | {Role.data_protection_officer},
    Permission.agency_manage: _ADMINISTRATION,
    Permission.api_client_read: _ADMINISTRATION,
    Permission.api_client_manage: _ADMINISTRATION,
    # Intake
    Permission.referral_receive: _REFERRERS,
    Permission.referral_read: _REFERRERS,
    Permission.referral_list: _REFERRERS,
    Permission.referral_complete: _REFERRERS,
    Permission.referral_acknowledge: _CASEWORK,
    Permission.referral_ask: _CASEWORK,
    Permission.referral_answer: _REFERRERS,
    Permission.referral_match: _CASEWORK,
    Permission.referral_accept: _CASEWORK,
    Permission.referral_decline: _CASEWORK,
    Permission.referral_withdraw: _REFERRERS,
    # The child and its circle
    Permission.child_read: _CASEWORK,
    Permission.child_search: _CASEWORK,
    Permission.child_change: _CASEWORK,
    Permission.person_read: _CASEWORK,
    Permission.person_add: _CASEWORK,
    Permission.person_change: _CASEWORK,
    Permission.consent_read: _CASEWORK | {Role.data_protection_officer},
    Permission.consent_record: _CASEWORK,
    Permission.consent_withdraw: _CASEWORK,
    # Cases
    Permission.case_read: _CASEWORK,
    Permission.case_list: _CASEWORK,
    Permission.case_change: _CASEWORK,
    Permission.case_timeline: _CASEWORK,
    Permission.case_assign: _LEADERS,
    Permission.case_transfer: frozenset({Role.programme_manager}),
    Permission.case_break_glass: _WORKERS,
    Permission.case_link: _LEADERS,
    # The log
    Permission.log_read: _LOG_READERS,
    Permission.log_read_child: _LOG_READERS,
    Permission.broken_glass_read: _LOG_READERS | _CASEWORK,
}

CHILD_FACING = _CASEWORK | {Role.data_protection_officer}
"""Roles whose work shows them children: a second factor is asked of them outside demo mode."""

SCOPES: dict[str, Role] = {"referrals": Role.partner_system, "reports": Role.reporting_script}
"""What an API client's scope makes it."""


def may(roles: frozenset[str], permission: Permission) -> bool:
    """Whether somebody with these roles is allowed an act."""
    return not POLICY[permission].isdisjoint(roles)
