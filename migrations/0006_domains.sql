-- Hosts of their own that apps are reached by. Anyone may claim a host; the app that proved it by a TXT record
-- has it, and another one that proves it later gets it.

CREATE TABLE domains (
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  host TEXT NOT NULL,
  -- What the TXT record has to say. Public: it proves something only in the host's own zone.
  token TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'provisioning', 'active')),
  -- Why it is not active yet.
  problem TEXT,
  created_at INTEGER NOT NULL,
  verified_at INTEGER,
  -- When the sweep looks at it again; never when NULL.
  check_at INTEGER,
  PRIMARY KEY (app_id, host)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX domains_proved ON domains (host) WHERE state <> 'pending';
CREATE INDEX domains_by_time ON domains (check_at) WHERE check_at IS NOT NULL;

-- Outlives its app, as scripts do in `removals`: custom hostnames that are to leave the zone.
CREATE TABLE hostname_removals (
  host TEXT PRIMARY KEY,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
