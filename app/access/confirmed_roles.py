"""The roles that a user gets only when a second person confirms it."""

from app.access.permissions import ADMINISTRATORS, CASEWORK, DATA_PROTECTION, FINANCE

CONFIRMED_ROLES = CASEWORK | FINANCE | DATA_PROTECTION | ADMINISTRATORS
"""Roles with access to data of children or to money, and the role of administrator. `access.confirmed_roles()` returns the
same roles."""
