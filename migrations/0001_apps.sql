-- Apps, their deployments, and the history of what each app's production host showed.
-- Times are epoch milliseconds. Later changes go into later files; this one stays as it is.

CREATE TABLE apps (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'unlisted', 'private')),
  active_deployment TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX apps_by_age ON apps (created_at DESC, id DESC);

CREATE TABLE deployments (
  id TEXT PRIMARY KEY,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  revision INTEGER NOT NULL,
  message TEXT,
  state TEXT NOT NULL CHECK (state IN
    ('pending', 'building', 'deploying', 'deployed', 'failed', 'superseded', 'cancelled')),
  -- Counts takings-up; with `state` it fences off consumers that lost their lease.
  attempt INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER NOT NULL DEFAULT 0,
  taken_up_at INTEGER,
  queued_ms INTEGER,
  build_ms INTEGER,
  upload_ms INTEGER,
  verify_ms INTEGER,
  total_ms INTEGER,
  bundle TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  deployed_at INTEGER
) STRICT;

CREATE INDEX deployments_by_app ON deployments (app_id, id DESC);

-- Asking for the same revision again gives the deployment that exists, unless that one ended without.
CREATE UNIQUE INDEX deployments_once ON deployments (app_id, revision)
  WHERE state IN ('pending', 'building', 'deploying', 'deployed');

CREATE TABLE deployment_events (
  deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (deployment_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE activations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  deployment_id TEXT NOT NULL,
  previous TEXT,
  cause TEXT NOT NULL CHECK (cause IN ('deploy', 'activate', 'rollback')),
  at INTEGER NOT NULL
) STRICT;

CREATE INDEX activations_by_app ON activations (app_id, deployment_id, id DESC);

CREATE TABLE idempotency_keys (
  app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  request TEXT NOT NULL,
  deployment_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (app_id, key)
) STRICT, WITHOUT ROWID;
