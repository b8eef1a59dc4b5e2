-- The standard of a new installation, from the Minimum Standards for Child Protection: 25 cases a worker, and a supervisor
-- for five to six workers.

INSERT INTO caseload_standards (
    id, created_at, version, cases_per_worker, workers_per_supervisor, weight_high, weight_medium, weight_low, weight_unknown
) VALUES (gen_random_uuid(), now(), 1, 25, 6, 2, 1.5, 1, 1);
