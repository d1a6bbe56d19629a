SELECT id, slug, name, visibility, active_deployment, env, secrets, created_at
FROM apps
WHERE ?1 IS NULL OR (created_at, id) < (?1, ?2)
ORDER BY created_at DESC, id DESC
LIMIT ?3
