-- For each key of the key ring, a fingerprint and an encrypted known text, which show that a key ring belongs to this
-- database (see app/access/key_canaries.py).

GRANT SELECT ON key_canaries TO firststep_api;

ALTER TABLE key_canaries ADD CONSTRAINT ck_key_canaries_purpose
    CHECK (purpose IN ('encryption', 'blind_index', 'release_draw', 'signing'));
