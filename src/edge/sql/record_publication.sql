INSERT INTO activations (app_id, deployment_id, previous, cause, at, moved_by)
SELECT a.id, d.id, a.active_deployment, 'deploy', ?2, d.asked_by
FROM deployments d JOIN apps a ON a.id = d.app_id
WHERE d.id = ?1 AND d.state = 'deployed' AND d.deployed_at = ?2
  AND (a.active_deployment IS NULL OR a.active_deployment < d.id)
