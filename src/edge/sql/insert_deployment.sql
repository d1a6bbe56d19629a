INSERT INTO deployments (id, app_id, revision, message, env, state, created_at)
VALUES (?1, ?2, ?3, ?4, ?6, 'pending', ?5)
ON CONFLICT DO NOTHING
