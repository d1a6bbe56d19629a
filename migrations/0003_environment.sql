-- Public values of an app (`VITE_*`), as a JSON object with sorted keys; each deployment keeps those it
-- was asked for with. Asking again with other values is another deployment of the same revision.

ALTER TABLE apps ADD COLUMN env TEXT NOT NULL DEFAULT '{}';
ALTER TABLE deployments ADD COLUMN env TEXT NOT NULL DEFAULT '{}';

DROP INDEX deployments_once;
CREATE UNIQUE INDEX deployments_once ON deployments (app_id, revision, env)
  WHERE state IN ('pending', 'building', 'deploying', 'deployed');
