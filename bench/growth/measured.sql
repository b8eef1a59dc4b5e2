-- Rows for single measurements, and links between cases.

-- One link per 100 cases, most of them between cases of different teams, and one link of the measured worker, whose other
-- cases have none: their numbers are multiples of 400.
INSERT INTO case_links (
    id, version, child_id, case_id, linked_child_id, linked_case_id, linked_by_id, linked_at, reason_encrypted
)
SELECT growth.make_id('link', pair), 1, growth.make_id('child', least_number), growth.make_id('case', least_number),
       growth.make_id('child', greatest_number), growth.make_id('case', greatest_number),
       growth.make_id('supervisor', 0), s.generated_at, growth.filler(80)
  FROM growth.settings s
 CROSS JOIN LATERAL (
    SELECT pair, 100 * pair - pair % 100 - 13 AS number, 100 * pair - pair % 100 - 50 AS other_number
      FROM generate_series(1, s.case_count / 100) AS pair
     UNION ALL
    SELECT 0, s.case_count / 25, s.case_count / 25 + 1
 ) p
 CROSS JOIN LATERAL (
    SELECT growth.make_id('case', number) < growth.make_id('case', other_number) AS is_ordered
 ) o
 CROSS JOIN LATERAL (
    SELECT CASE WHEN is_ordered THEN number ELSE other_number END AS least_number,
           CASE WHEN is_ordered THEN other_number ELSE number END AS greatest_number
 ) n
ON CONFLICT DO NOTHING;

-- The child that was read most often belongs to the first team.
CREATE TEMPORARY TABLE invented_events ON COMMIT DROP AS
SELECT uuidv7(opened_at - clock_timestamp()) AS id, opened_at, 2 * s.team_count AS case_number
  FROM growth.settings s
 CROSS JOIN generate_series(1, s.entry_count) AS n
 CROSS JOIN LATERAL (SELECT s.generated_at - interval '700 days' * (n::float / s.entry_count) AS opened_at);

INSERT INTO access_events (id, opened_at, kind, actor_id, roles, supervised_team_ids, act, request_id, address)
SELECT id, opened_at, 'person', growth.make_id('worker', 1), '{social_worker}', '{}', 'case.read', 'growth-' || id,
       '10.0.0.1'
  FROM invented_events;

INSERT INTO access_entries (event_id, n, at, child_id, case_id, record_kind, record_id, outcome, status)
SELECT id, 1, opened_at, growth.make_id('child', case_number),
       growth.make_id('case', case_number), 'case', growth.make_id('case', case_number), 'allowed', 200
  FROM invented_events;

-- Break-glass grants of the measured worker, which have expired.
INSERT INTO break_glass (id, case_id, child_id, user_id, opened_at, expires_at, reason_encrypted)
SELECT growth.make_id('grant', n), growth.make_id('case', n), growth.make_id('child', n), growth.make_id('worker', 0),
       s.generated_at - interval '1 day', s.generated_at - interval '20 hours', growth.filler(80)
  FROM growth.settings s, generate_series(1, 5) AS n;

-- Referrals that the first team has received. The temporary table case_contents has their contents.
INSERT INTO referrals (
    id, created_at, version, agency_id, team_id, external_id, tracking_number, source, urgency, concern_kind, status,
    received_at, updated_at, province_code, identity_changed_by_staff, content_encrypted
)
SELECT growth.make_id('referral', number), s.generated_at, 1, growth.make_id('agency', 0), growth.make_id('team', 0),
       'growth-' || number, 'R-GROWTH-' || number, 'api', 'routine', kind, 'received', s.generated_at, s.generated_at,
       province_code, false, referral_encrypted
  FROM growth.settings s, case_contents;

-- Permissions without an end, so that the limit of compared identities per day does not stop the measurement.
INSERT INTO matching_allowances (id, referral_id, allowed_by_id, allowed_at, reason_encrypted)
SELECT growth.make_id('allowance', number), growth.make_id('referral', number), growth.make_id('worker', 1),
       'infinity', growth.filler(80)
  FROM case_contents;

INSERT INTO name_tokens (owner_id, token, kind, child_id)
SELECT growth.make_id('referral', number), token, 'referral', NULL FROM case_contents, access.shorten_tokens_to_store(referral_tokens) AS token;
