-- Secrets of an app's server: a JSON object with sorted keys, name → value sealed by the Worker
-- (`domain/src/secrets.rs`); nothing here can be read without its key. As with public values, a deployment
-- keeps those that it was asked for with, and other secrets are another deployment.

ALTER TABLE apps ADD COLUMN secrets TEXT NOT NULL DEFAULT '{}';
ALTER TABLE deployments ADD COLUMN secrets TEXT NOT NULL DEFAULT '{}';

DROP INDEX deployments_once;
CREATE UNIQUE INDEX deployments_once ON deployments (app_id, revision, env, secrets)
  WHERE state IN ('pending', 'building', 'deploying', 'deployed') AND removed_at IS NULL;
