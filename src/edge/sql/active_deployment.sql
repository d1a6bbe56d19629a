SELECT id AS app_id, active_deployment FROM apps WHERE slug = ?1
