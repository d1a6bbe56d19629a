UPDATE apps SET active_deployment = ?2
WHERE id = ?1 AND active_deployment IS ?3
  AND EXISTS (
    SELECT 1 FROM deployments
    WHERE id = ?2 AND app_id = ?1 AND state = 'deployed' AND removed_at IS NULL)
