UPDATE deployments SET removed_at = ?2
WHERE id = ?1 AND state = 'deployed' AND removed_at IS NULL AND pinned = 0
  AND NOT EXISTS (SELECT 1 FROM apps WHERE active_deployment = ?1)
