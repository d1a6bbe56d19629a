SELECT id, slug, name, visibility, active_deployment, env, secrets, created_at
FROM apps WHERE slug = ?1
