-- The access log of the time in which a range of cases was opened: two events and eight entries per case, unless the
-- settings differ. One in eight events is a list of 25 cases, and the others read one case of the caller's team.

CREATE TEMPORARY TABLE invented_events ON COMMIT DROP AS
SELECT uuidv7(k.opened_at - clock_timestamp()) AS id, k.*,
       CASE k.number % 8 WHEN 0 THEN 25 ELSE 1 END AS entry_count
  FROM growth.settings s
 CROSS JOIN LATERAL generate_series(
    s.event_count * (SELECT min(number) - 1 FROM case_contents) + 1, s.event_count * (SELECT max(number) FROM case_contents)
 ) AS number
 CROSS JOIN LATERAL (
    SELECT number::bigint AS number, number / 8 % s.team_count AS team, 10 * (number / 8 % s.team_count) + 1 + number % 9 AS worker,
           s.generated_at - interval '729 days' * (1 - number::float / (s.event_count * s.case_count)) AS opened_at
 ) k;

INSERT INTO access_events (id, opened_at, kind, actor_id, roles, supervised_team_ids, act, request_id, address)
SELECT id, opened_at, 'person', growth.make_id('worker', worker), '{social_worker}', '{}', 'case.read', 'growth-' || id,
       '10.0.0.1'
  FROM invented_events ORDER BY id;

INSERT INTO access_entries (event_id, n, at, child_id, case_id, record_kind, record_id, outcome, status)
SELECT e.id, n, e.opened_at, growth.make_id('child', c.number),
       growth.make_id('case', c.number), 'case', growth.make_id('case', c.number), 'allowed', 200
  FROM growth.settings s
 CROSS JOIN invented_events e
 CROSS JOIN generate_series(1, e.entry_count) AS n
 CROSS JOIN LATERAL (
    SELECT e.team + s.team_count * (1 + (7919 * e.number + 104729 * n) % (s.case_count / s.team_count - 1)) AS number
 ) c
 ORDER BY e.id, n;
