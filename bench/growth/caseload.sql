-- The rows of a range of cases. The temporary table case_contents has one row per case with its encrypted contents.
--
-- Every 25th part of the cases begins with a case of the measured worker, who is worker 0. bench/history.py inserts the
-- records of these cases. Workers 1 to 9 of each team share the other cases.

CREATE TEMPORARY TABLE invented_cases ON COMMIT DROP AS
SELECT c.number, c.sex, c.province_code, c.kind, s.generated_at, s.session_count, s.history_count, k.is_measured, k.opened_at,
       k.opened_at::date AS opened_on, k.last_session_at,
       t.team, k.age, st.status,
       'FSC-' || extract(year FROM k.opened_at) || '-' || to_char(c.number, 'FM9900000') AS case_number,
       growth.make_id('case', c.number) AS case_id,
       growth.make_id('child', c.number) AS child_id,
       growth.make_id('referral', c.number) AS referral_id,
       growth.make_id('person', c.number) AS person_id,
       growth.make_id('assessment', c.number) AS assessment_id,
       growth.make_id('plan', c.number) AS plan_id,
       growth.make_id('goal', c.number) AS goal_id,
       growth.make_id('team', t.team) AS team_id,
       growth.make_id('supervisor', t.team) AS supervisor_id,
       growth.make_id('worker', 10 * t.team + t.worker) AS lead_worker_id,
       CASE WHEN c.number % 3 = 0 THEN growth.make_id('worker', 10 * t.team + 1 + t.worker % 9) END AS co_worker_id,
       CASE WHEN st.status = 'closed' THEN k.opened_at::date + 300 END AS closed_on,
       CASE WHEN st.status IN ('active', 'exiting') THEN s.generated_at::date - 3 + c.number % 90 END AS next_review_on,
       CASE WHEN st.status <> 'assessment' THEN (ARRAY['low', 'medium', 'high'])[1 + c.number % 3] END AS risk_level,
       CASE WHEN k.last_session_at >= k.opened_at THEN k.last_session_at AT TIME ZONE 'Asia/Phnom_Penh' END::date
           AS last_contact_on
  FROM growth.settings s
 CROSS JOIN case_contents c
 CROSS JOIN LATERAL (
    SELECT c.number % (s.case_count / 25) = 0 AS is_measured,
           s.generated_at - interval '729 days' * (1 - c.number::float / s.case_count) AS opened_at,
           s.generated_at - make_interval(days => 1 + c.number % 7) AS last_session_at,
           (729 * (1 - c.number::float / s.case_count))::integer AS age
 ) k
 CROSS JOIN LATERAL (
    SELECT c.number % s.team_count AS team,
           CASE WHEN k.is_measured THEN 0 ELSE 1 + c.number / s.team_count % 9 END AS worker
 ) t
 CROSS JOIN LATERAL (
    SELECT CASE WHEN k.is_measured THEN 'active'
                WHEN k.age < 30 THEN 'assessment'
                WHEN k.age < 60 THEN 'planning'
                WHEN k.age > 300 AND c.number % 3 = 0 THEN 'closed'
                WHEN c.number % 17 = 0 THEN 'exiting'
                ELSE 'active' END AS status
 ) st;

INSERT INTO children (id, created_at, version, sex, province_code, has_birth, identity_encrypted)
SELECT child_id, opened_at, 1, c.sex, c.province_code, true, identity_encrypted
  FROM invented_cases c JOIN case_contents USING (number);

INSERT INTO cases (
    id, created_at, version, number, child_id, kind, status, team_id, lead_worker_id, referral_id, opened_on, closed_on,
    next_review_on, risk_level, last_contact_on, age_at_referral_min, age_at_referral_max, province_code, updated_at,
    content_encrypted
)
SELECT case_id, opened_at, 1, case_number, child_id, c.kind, status, team_id, lead_worker_id, referral_id, opened_on,
       closed_on, next_review_on, risk_level, last_contact_on, 9, 10, c.province_code, opened_at, case_encrypted
  FROM invented_cases c JOIN case_contents USING (number);

INSERT INTO referrals (
    id, created_at, version, child_id, case_id, agency_id, team_id, external_id, tracking_number, source, urgency,
    concern_kind, status, received_at, updated_at, province_code, identity_changed_by_staff,
    content_encrypted
)
SELECT referral_id, opened_at, 1, child_id, case_id, growth.make_id('agency', 0), team_id, 'growth-' || number,
       'R-GROWTH-' || number, 'api', 'routine', c.kind, 'accepted', opened_at, opened_at, c.province_code,
       false, referral_encrypted
  FROM invented_cases c JOIN case_contents USING (number);

INSERT INTO people (id, created_at, version, child_id, case_id, role, relationship, is_responsible, details_encrypted)
SELECT person_id, opened_at, 1, child_id, case_id, 'supporter', 'mother', true, person_encrypted
  FROM invented_cases JOIN case_contents USING (number);

INSERT INTO case_workers (case_id, user_id, child_id, since)
SELECT case_id, co_worker_id, child_id, opened_at FROM invented_cases WHERE co_worker_id IS NOT NULL;

-- After acceptance, the tokens of the referral remain.
INSERT INTO name_tokens (owner_id, token, kind, child_id)
SELECT o.owner_id, token, o.kind, c.child_id
  FROM invented_cases c JOIN case_contents USING (number)
 CROSS JOIN LATERAL (
    VALUES (c.child_id, 'child', child_tokens), (c.referral_id, 'accepted_referral', referral_tokens)
 ) AS o (owner_id, kind, tokens)
 CROSS JOIN access.shorten_tokens_to_store(o.tokens) AS token
 WHERE o.kind = 'child' OR (SELECT has_referral_tokens FROM growth.settings);

DELETE FROM invented_cases WHERE is_measured;

INSERT INTO assessments (
    id, created_at, version, child_id, case_id, status, author_id, submitted_by_id, submitted_at, contributor_ids,
    decided_by_id, decided_at, subject, kind, risk_level, ratings, symptoms,
    family_circumstances, updated_at, content_encrypted
)
SELECT assessment_id, opened_at, 1, child_id, case_id, CASE WHEN status = 'assessment' THEN 'submitted' ELSE 'approved' END,
       lead_worker_id, lead_worker_id, opened_at, '{}', CASE WHEN status <> 'assessment' THEN supervisor_id END,
       CASE WHEN status <> 'assessment' THEN opened_at + interval '20 days' END, 'child', 'initial', risk_level,
       '{"education": 2, "behaviour": 2}', '{anxiety,sleep_problems}', '{poverty,alcohol}', opened_at, growth.filler(900)
  FROM invented_cases;

INSERT INTO care_plans (
    id, created_at, version, child_id, case_id, status, author_id, submitted_by_id, submitted_at, contributor_ids,
    decided_by_id, decided_at, subject, assessment_id, edition, updated_at, content_encrypted
)
SELECT plan_id, opened_at, 1, child_id, case_id, CASE WHEN status = 'planning' THEN 'submitted' ELSE 'approved' END,
       lead_worker_id, lead_worker_id, opened_at, '{}', CASE WHEN status <> 'planning' THEN supervisor_id END,
       CASE WHEN status <> 'planning' THEN opened_at + interval '50 days' END, 'child', assessment_id, 1, opened_at,
       growth.filler(900)
  FROM invented_cases WHERE status <> 'assessment';

INSERT INTO goals (
    id, created_at, version, child_id, case_id, plan_id, area, status, origin_id, updated_at, content_encrypted
)
SELECT goal_id, opened_at, 1, child_id, case_id, plan_id, 'education', 'open', goal_id, opened_at, growth.filler(250)
  FROM invented_cases WHERE status <> 'assessment';

INSERT INTO actions (
    id, created_at, version, child_id, case_id, plan_id, goal_id, "by", due_on, status, origin_id, updated_at,
    content_encrypted
)
SELECT id, opened_at, 1, child_id, case_id, plan_id, goal_id, 'worker', generated_at::date - 60 + (number + 60 * n) % 180,
       CASE n WHEN 1 THEN 'done' ELSE 'open' END, id, opened_at, growth.filler(250)
  FROM invented_cases, generate_series(1, 2) AS n, growth.make_id('action', 2 * number + n) AS id
 WHERE status <> 'assessment';

INSERT INTO reviews (
    id, created_at, version, child_id, case_id, plan_id, number, status, due_on, held_on, decision, ratings, decisions,
    completed_at, completed_by_id, updated_at, content_encrypted
)
SELECT growth.make_id('completed review', number), opened_at, 1, child_id, case_id, plan_id, 1, 'completed',
       opened_on + 91, opened_on + 91, 'continue', '{"education": 3}'::jsonb, '{}'::jsonb, opened_at + interval '91 days',
       lead_worker_id, opened_at, growth.filler(500)
  FROM invented_cases WHERE age > 100
 UNION ALL
SELECT growth.make_id('review', number), opened_at, 1, child_id, case_id, plan_id, 2, 'scheduled', next_review_on, NULL,
       NULL, '{}', '{}', NULL, NULL, opened_at, growth.filler(60)
  FROM invented_cases WHERE next_review_on IS NOT NULL;

INSERT INTO support_sessions (
    id, created_at, version, child_id, case_id, kind, status, planned_at, held_at, recorded_at, attendance, areas,
    topics, contact_with, goal_ids, worker_id, author_id, updated_at, content_encrypted
)
SELECT growth.make_id('session', 100 * number + n), held_at, 1, child_id, case_id, 'therapy', 'held', NULL, held_at,
       held_at, 'attended', '{}'::text[], '{emotions,self_protection}'::text[], '{}'::text[], '{}'::uuid[], lead_worker_id, lead_worker_id, held_at, growth.filler(900)
  FROM invented_cases, generate_series(1, session_count) AS n,
       LATERAL (SELECT last_session_at - make_interval(days => 7 * (n - 1)) AS held_at)
 WHERE held_at >= opened_at
 UNION ALL
SELECT growth.make_id('planned session', number), generated_at, 1, child_id, case_id, 'home_visit', 'planned',
       generated_at + make_interval(days => 1 + number % 14), NULL, NULL, NULL, '{}', '{}', '{}', '{}', lead_worker_id,
       lead_worker_id, generated_at, growth.filler(200)
  FROM invented_cases WHERE status <> 'closed';

INSERT INTO case_history (id, child_id, case_id, at, recorded_at, kind, by_id, tier, record_kind, record_id, detail_encrypted)
SELECT growth.make_id('history', 1000 * number::bigint + n), child_id, case_id, at, at, 'session_held', lead_worker_id,
       'case', 'support_session', growth.make_id('session', 100 * number + n), growth.filler(90)
  FROM invented_cases, generate_series(1, history_count) AS n,
       LATERAL (SELECT opened_at + (generated_at - opened_at) * n / history_count AS at);

INSERT INTO legal_steps (
    id, created_at, version, child_id, case_id, kind, status, "on", author_id, updated_at, content_encrypted
)
SELECT growth.make_id('legal step', number), opened_at, 1, child_id, case_id, 'court_date', 'planned',
       generated_at::date + 1 + number % 60, lead_worker_id, opened_at, growth.filler(250)
  FROM invented_cases WHERE number % 10 = 0 AND status <> 'closed';

INSERT INTO service_referrals (
    id, created_at, version, child_id, case_id, provider_id, service, status, shared_fields, author_id, sent_at,
    sent_by_id, updated_at, content_encrypted
)
SELECT growth.make_id('service referral', number), opened_at, 1, child_id, case_id, growth.make_id('provider', 0), 'medical',
       'sent', '{}', lead_worker_id, opened_at, lead_worker_id, opened_at, growth.filler(400)
  FROM invented_cases WHERE number % 10 = 1;

INSERT INTO exit_plans (
    id, created_at, version, child_id, case_id, status, author_id, submitted_by_id, submitted_at, contributor_ids,
    decided_by_id, decided_at, ends_on, conditions_met, conditions_unmet, updated_at, content_encrypted
)
SELECT growth.make_id('exit plan', number), opened_at, 1, child_id, case_id, 'approved', lead_worker_id, NULL, NULL, '{}',
       supervisor_id, opened_at, generated_at::date + 60, '{in_school,confident,friends,safe_home,supporter_able}',
       '{self_protection}', opened_at, growth.filler(500)
  FROM invented_cases WHERE status IN ('exiting', 'closed');

INSERT INTO follow_ups (
    id, created_at, version, child_id, case_id, months, due_on, status, author_id, conditions_met, conditions_unmet,
    updated_at, content_encrypted
)
SELECT growth.make_id('follow-up', 100 * number + months), opened_at, 1, child_id, case_id, months,
       closed_on + 30 * months, CASE WHEN closed_on + 30 * months < generated_at::date THEN 'held' ELSE 'due' END,
       lead_worker_id, '{}', '{}', opened_at, growth.filler(120)
  FROM invented_cases, unnest(ARRAY[1, 3, 6]) AS months WHERE status = 'closed';

INSERT INTO disbursements (
    id, created_at, version, child_id, case_id, number, case_number, beneficiary, category, amount, currency, urgency,
    status, instalment, instalments, release_on, requested_by_id, tenders, receipt_document_ids, finance_documents,
    updated_at
)
SELECT growth.make_id('disbursement', number), opened_at, 1, child_id, case_id, 'A-GROWTH-' || number,
       case_number, 'child', 'transport', 1250, 'USD', 'routine', 'requested', 1, 1, opened_on, lead_worker_id, '{}', '{}',
       '[]', opened_at
  FROM invented_cases, growth.settings s WHERE number / s.team_count % 20 = 0;
