INSERT INTO activations (app_id, deployment_id, previous, cause, at, moved_by)
SELECT a.id, d.id, a.active_deployment, ?4, ?5, ?6
FROM apps a JOIN deployments d ON d.app_id = a.id
WHERE a.id = ?1 AND d.id = ?2 AND d.state = 'deployed' AND d.removed_at IS NULL
  AND a.active_deployment IS ?3
