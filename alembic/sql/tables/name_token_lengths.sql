-- The lengths of the tokens in name_tokens, in bits, and the version of the rules by which they were computed (see
-- app/server/search_tokens.py).

GRANT SELECT ON name_token_lengths TO firststep_api, firststep_gate;

ALTER TABLE name_token_lengths ADD CONSTRAINT ck_name_token_lengths_bits CHECK (bits BETWEEN 12 AND 18);
COMMENT ON CONSTRAINT ck_name_token_lengths_bits ON name_token_lengths IS
    'The length is 12 to 18 bits. 12 bits are for up to 16,000 children, 18 bits for 520,000 or more.';

INSERT INTO name_token_lengths (bits, is_current, rules) VALUES (12, true, 1);

-- PostgreSQL estimates thousands of rows for a table without statistics.
ANALYZE name_token_lengths;
