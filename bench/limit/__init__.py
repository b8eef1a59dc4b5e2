"""The program `limit`: the guarantees of First Step in the cheapest form, with bare ASGI and asyncpg.

The guarantees are the same. The token is verified. An access event is committed before rows are read. Rows are read as
firststep_api under forced row-level security, in a transaction that has the id and the secret of the event. Identities and
contents are encrypted with the keys of First Step. The access entries are committed before the first byte of the response.

There is no framework, no ORM, no model and no validation, and these techniques save time:

- The transaction of an event also inserts a context: a row with all that row policies need to know about the caller. A
  policy reads it once per scan.
- The access events, and the access entries of GET requests, that arrive while the log is being written are written together
  next, with one commit (`bench.limit.batch`). The transaction of a GET request only reads and is rolled back.
- The list of cases reads the newest cases of each set that the caller can see, by index, with a literal LIMIT.
- A referral, its search tokens, the stored response and the access entry are inserted by one statement. The primary key of
  the stored response is also the claim of the Idempotency-Key.
- Ids are strings in Python.

The program is frozen. It has a database of its own (`bench.limit.database`), so that changes of First Step do not change
its costs. It uses only the keys, the cipher, the token verification, the permission table, the birth dates and the search
keys of First Step.
"""
