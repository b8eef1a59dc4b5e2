-- The lengths of the tokens in name_tokens, in bits (see app/server/search_tokens.py).

GRANT SELECT ON name_token_lengths TO firststep_api, firststep_gate;

ALTER TABLE name_token_lengths ADD CONSTRAINT ck_name_token_lengths_bits CHECK (bits BETWEEN 12 AND 18);
COMMENT ON CONSTRAINT ck_name_token_lengths_bits ON name_token_lengths IS
    'A token has 12 bits for up to 16,000 children, and 18 bits for 520,000 and more.';

INSERT INTO name_token_lengths (bits, is_current) VALUES (12, true);

-- Otherwise, PostgreSQL plans for thousands of rows.
ANALYZE name_token_lengths;
