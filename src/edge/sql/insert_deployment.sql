INSERT INTO deployments (id, app_id, revision, message, env, secrets, state, created_at, asked_by)
VALUES (?1, ?2, ?3, ?4, ?6, ?8, 'pending', ?5, ?7)
ON CONFLICT DO NOTHING
