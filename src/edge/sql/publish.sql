UPDATE apps SET active_deployment = ?1
WHERE (active_deployment IS NULL OR active_deployment < ?1)
  AND id = (SELECT app_id FROM deployments WHERE id = ?1 AND state = 'deployed' AND deployed_at = ?2)
