-- API tokens, stored as the SHA-256 of what their holder has. The admin token is not here: it is a
-- secret of the Worker.

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
