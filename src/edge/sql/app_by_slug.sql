SELECT id, slug, name, visibility, active_deployment, created_at
FROM apps WHERE slug = ?1
