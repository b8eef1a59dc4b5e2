"""The agenda of a staff member: its entries, their numbers for a menu, and calendar feeds."""
