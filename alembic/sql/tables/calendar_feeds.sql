-- Calendar feeds of users. access.open_calendar_feed() authenticates a request for a feed.

GRANT SELECT, INSERT ON calendar_feeds TO firststep_api;
GRANT UPDATE (version, revoked_at) ON calendar_feeds TO firststep_api;
GRANT SELECT ON calendar_feeds TO firststep_gate;
GRANT UPDATE (last_read_at) ON calendar_feeds TO firststep_gate;

ALTER TABLE calendar_feeds ADD CONSTRAINT ck_calendar_feeds_language CHECK (language IN ('en', 'km'));
