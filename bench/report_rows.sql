-- The rows that reports count and the growth benchmark does not generate: payments from two funds, periods, feedback, and
-- outreach activities with their participants. The caseload exists already.

INSERT INTO funds (id, created_at, version, name, donor, currency, starts_on, categories, lines, province_codes, status, updated_at)
SELECT growth.make_id('fund', n), now(), 1, 'Fund ' || n, 'Donor ' || n, (ARRAY['USD', 'KHR'])[n], current_date - 1000,
       ARRAY['transport', 'health_care', 'education'], '{}', '{}', 'open', now()
  FROM generate_series(1, 2) n;

-- Two payments per case. A third of them has no receipt, and every twentieth was reversed.
INSERT INTO disbursements (
    id, created_at, version, child_id, case_id, number, case_number, beneficiary, category, amount, currency, urgency,
    status, instalment, instalments, release_on, fund_id, requested_by_id, approved_by_id, approved_at, paid_by_id, paid_at,
    paid_on, tenders, spent, reconciled_by_id, reconciled_at, receipt_document_ids, finance_documents, ended_at, updated_at
)
SELECT gen_random_uuid(), p.at, 1, c.child_id, c.id, format('B-%s-%s', c.number, n), c.number, 'child',
       (ARRAY['transport', 'health_care', 'education'])[1 + p.kind % 3], CASE f.currency WHEN 'USD' THEN 1250 ELSE 50000 END,
       f.currency, 'routine', p.status, 1, 1, p.at::date, f.id, staff[1], staff[2], p.at, staff[3], p.at,
       p.at::date, '[]', CASE p.status WHEN 'reconciled' THEN 1200 END,
       CASE p.status WHEN 'reconciled' THEN staff[3] END,
       CASE p.status WHEN 'reconciled' THEN p.at + interval '10 days' END, '{}', '[]',
       CASE p.status WHEN 'reversed' THEN p.at + interval '5 days' END, p.at
  FROM cases c
 CROSS JOIN generate_series(1, 2) n
 CROSS JOIN (SELECT array_agg(id ORDER BY id) AS staff FROM users) people
 CROSS JOIN LATERAL (
     SELECT c.opened_on::timestamptz + n * interval '40 days' AS at, hashtext(c.number || n) & 1023 AS kind
 ) h
 CROSS JOIN LATERAL (
     SELECT h.at, h.kind, CASE WHEN h.kind % 20 = 0 THEN 'reversed' WHEN h.kind % 3 = 0 THEN 'paid' ELSE 'reconciled' END
 ) p (at, kind, status)
  JOIN funds f ON f.id = growth.make_id('fund', 1 + p.kind % 2)
 WHERE p.at < now();

-- One period of the lead worker and the team, and one of the status, for each case.
INSERT INTO assignment_periods (case_id, began_at, child_id, ended_at, team_id, lead_worker_id)
SELECT c.id, c.opened_on::timestamptz, c.child_id, c.closed_on::timestamptz + interval '1 hour', c.team_id, c.lead_worker_id
  FROM cases c;

INSERT INTO status_periods (case_id, began_at, child_id, status)
SELECT c.id, c.opened_on::timestamptz, c.child_id, c.status FROM cases c;

-- Feedback of the child and of the caregiver in each case.
INSERT INTO feedback (id, created_at, version, child_id, case_id, given_by, rating, occasion, given_on, author_id)
SELECT gen_random_uuid(), c.created_at, 1, c.child_id, c.id, giver, 1 + (hashtext(c.number || giver) & 1023) % 5, 'exit',
       least(c.opened_on + 90, current_date), c.lead_worker_id
  FROM cases c CROSS JOIN unnest(ARRAY['child', 'caregiver']) giver;

-- One activity for five cases, with two audiences.
INSERT INTO outreach_activities (
    id, created_at, version, kind, title, topic, programme, starts_on, sessions, place_code, is_online, government_level,
    partner_ids, partner_names, facilitator_ids, facilitator_agencies, copies, score_maximum, tested_before, mean_before,
    tested_after, mean_after, search_key, recorded_by_id, updated_at
)
SELECT growth.make_id('activity', n), now(), 1, kind, 'Activity ' || n, 'child_protection', 'prevention',
       current_date - (n % 720)::int, 2, lpad((1 + n % 25)::text, 2, '0'), false, CASE kind WHEN 'meeting' THEN 'commune' END, '{}', '{}', '{}', '{}',
       CASE kind WHEN 'research_dissemination' THEN 100 END, t.score, t.persons, t.score / 2, t.persons, t.score - 2, '',
       (SELECT id FROM users LIMIT 1), now()
  FROM growth.settings s
 CROSS JOIN generate_series(1, greatest(s.case_count / 5, 1)) n
 CROSS JOIN LATERAL (
     SELECT (ARRAY['awareness_session', 'agent_training', 'training', 'consultation', 'coaching', 'meeting',
                   'research_dissemination'])[1 + n % 7]) k (kind)
  LEFT JOIN LATERAL (SELECT 20.0 AS score, 15 AS persons) t ON kind IN ('training', 'consultation', 'coaching');

INSERT INTO outreach_participants (
    activity_id, audience, persons, attendances, sex_male, sex_female, sex_other, sex_unknown, age_under_5,
    age_from_5_to_9, age_from_10_to_13, age_from_14_to_17, age_from_18_to_24, age_from_25_to_59, age_from_60, age_unknown,
    disability_yes, disability_no, disability_unknown
)
SELECT a.id, audience, 40, 80, 18, 20, 0, 2, 0, 10, 10, 10, 0, 5, 0, 5, 1, 30, 9
  FROM outreach_activities a CROSS JOIN unnest(ARRAY['children', 'parents']) audience;

-- Decisions on referrals, achieved goals and closed cases of harmful sexual behaviour, which the growth benchmark lacks.
UPDATE referrals SET acknowledged_at = received_at + interval '1 hour', decided_at = received_at + interval '1 day';
UPDATE goals SET status = 'achieved' WHERE hashtext(id::text) % 2 = 0;
UPDATE cases SET kind = 'hsb', hsb_outcome = 'no_further_behaviour' WHERE status = 'closed' AND hashtext(number) % 4 = 0;
UPDATE actions SET due_on = due_on - 130;
