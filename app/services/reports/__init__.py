"""Reports for staff: exact figures of a period, grouped by dimensions.

Each module of `catalogue` defines one report. The other modules apply the period rules, the dimensions and the formats to
all of them.
"""
