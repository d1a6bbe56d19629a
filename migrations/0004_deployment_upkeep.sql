-- What keeps deployments moving and the namespace tidy: who asked, why an attempt broke off, what
-- retention keeps and removed, and the scripts that are still to be removed from the namespace.

ALTER TABLE deployments ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
-- JSON of the error that ended the last attempt; the deployment's own error after the last one.
ALTER TABLE deployments ADD COLUMN interruption TEXT;
ALTER TABLE deployments ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deployments ADD COLUMN removed_at INTEGER;
ALTER TABLE activations ADD COLUMN moved_by TEXT NOT NULL DEFAULT '';

CREATE INDEX activations_by_age ON activations (app_id, id DESC);

CREATE INDEX deployments_unfinished ON deployments (app_id, id)
  WHERE state IN ('pending', 'building', 'deploying');
CREATE INDEX deployments_kept ON deployments (app_id, id DESC)
  WHERE state = 'deployed' AND removed_at IS NULL;

-- A revision whose deployment was removed can be deployed again.
DROP INDEX deployments_once;
CREATE UNIQUE INDEX deployments_once ON deployments (app_id, revision, env)
  WHERE state IN ('pending', 'building', 'deploying', 'deployed') AND removed_at IS NULL;

-- Outlives its app: a script is the namespace's until the API said that it is gone.
CREATE TABLE removals (
  script TEXT PRIMARY KEY,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX removals_by_time ON removals (due_at);
