INSERT INTO deployment_events (deployment_id, position, event)
SELECT d.id, (SELECT COALESCE(MAX(position), 0) + 1 FROM deployment_events WHERE deployment_id = d.id), ?4
FROM deployments d
WHERE d.id = ?1 AND d.state = ?2 AND d.attempt = ?3
  AND (?5 IS NULL OR NOT EXISTS (
    SELECT 1 FROM deployments o
    WHERE o.app_id = d.app_id AND o.id <> d.id
      AND o.state IN ('building', 'deploying') AND o.lease_until > ?5))
