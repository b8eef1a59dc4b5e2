"""The cases and referrals that reports count, with the columns of their dimensions.

Cases that were closed as duplicates or as opened by mistake, and referrals that were declined as duplicates, are excluded
from every figure. The row policies of the reports role limit cases and referrals to the teams of a supervisor. They do not
apply conflict walls.

With a grant, only the cases and disbursements with its code, and the referrals of these cases, are counted.

`stages` and `assignments` contain the status, the lead worker and the team of each case at the end of the period.
"""


def local_day(column: str) -> str:
    """Return the SQL expression of the local day of a point in time."""
    return f"({column} AT TIME ZONE 'Asia/Phnom_Penh')::date"


AGE_BAND_SQL = """
    CASE WHEN least(c.age_at_referral_min, c.age_at_referral_max) IS NULL THEN NULL
         WHEN c.age_at_referral_min >= 5 AND c.age_at_referral_max <= 9 THEN 'from_5_to_9'
         WHEN c.age_at_referral_min >= 10 AND c.age_at_referral_max <= 13 THEN 'from_10_to_13'
         WHEN c.age_at_referral_min >= 14 AND c.age_at_referral_max <= 17 THEN 'from_14_to_17'
         WHEN c.age_at_referral_max < 5 OR c.age_at_referral_min > 17 THEN 'outside'
         ELSE 'uncertain' END"""

POPULATION_SQL = f"""
    period (first_day, last_day, today, grant_code) AS (VALUES ($1::date, $2::date, $3::date, $4::text)),
    period_end (at) AS (VALUES (($2::date + 1)::timestamp AT TIME ZONE 'Asia/Phnom_Penh')),
    stages AS (
        SELECT p.case_id, p.status FROM status_periods p, period_end e
         WHERE p.began_at < e.at AND (p.ended_at IS NULL OR p.ended_at >= e.at)
    ),
    assignments AS (
        SELECT p.case_id, p.lead_worker_id AS worker_id, p.team_id::text AS team FROM assignment_periods p, period_end e
         WHERE p.began_at < e.at AND (p.ended_at IS NULL OR p.ended_at >= e.at)
    ),
    counted_cases AS (
        SELECT c.id, c.child_id, c.kind, c.status, c.team_id, c.team_id::text AS team, c.lead_worker_id, c.referral_id,
               c.previous_case_id, c.opened_on, c.closed_on, c.close_reason, c.next_review_on, c.risk_level,
               c.last_contact_on, c.extended_until, c.hsb_outcome, left(c.province_code, 2) AS province, child.sex,
               {AGE_BAND_SQL} AS age_band
          FROM cases c JOIN children child ON child.id = c.child_id
         WHERE coalesce(c.close_reason, '') NOT IN ('duplicate', 'opened_in_error')
           AND ($4::text IS NULL OR c.grant_code = $4)
    ),
    counted_referrals AS (
        SELECT r.id, r.case_id, r.team_id::text AS team, r.source, r.urgency, r.concern_kind AS kind, r.status,
               r.received_at, r.acknowledged_at, r.decided_at, r.decline_reason_code,
               left(r.province_code, 2) AS province
          FROM referrals r
         WHERE r.decline_reason_code IS DISTINCT FROM 'duplicate'
           AND ($4::text IS NULL OR EXISTS (SELECT FROM cases c WHERE c.id = r.case_id AND c.grant_code = $4))
    ),
    counted_disbursements AS (
        SELECT d.id, d.case_id, d.category, d.amount, d.currency, d.status, d.fund_id, d.created_at, d.approved_at,
               d.approval_due_on, d.paid_on, d.spent, d.reconciled_at, d.ended_at
          FROM disbursements d
         WHERE $4::text IS NULL OR EXISTS (SELECT FROM funds f WHERE f.id = d.fund_id AND f.grant_code = $4)
    )"""  # noqa: S608 - a constant
"""The common table expressions of every report. PostgreSQL omits those that a report does not read."""
