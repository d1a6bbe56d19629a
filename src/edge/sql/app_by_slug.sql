SELECT id, slug, name, visibility, active_deployment, env, created_at
FROM apps WHERE slug = ?1
