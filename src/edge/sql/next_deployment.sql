SELECT d.id FROM deployments d
WHERE d.app_id = ?1 AND d.state IN ('pending', 'building', 'deploying') AND d.lease_until <= ?2
  AND NOT EXISTS (
    SELECT 1 FROM deployments o
    WHERE o.app_id = ?1 AND o.state IN ('building', 'deploying') AND o.lease_until > ?2)
ORDER BY d.id
LIMIT 1
