INSERT INTO deployment_events (deployment_id, position, event)
SELECT d.id, (SELECT COALESCE(MAX(position), 0) + 1 FROM deployment_events WHERE deployment_id = d.id), ?2
FROM deployments d JOIN deployments n ON n.id = ?1
WHERE d.app_id = n.app_id AND d.state = 'pending' AND d.id <> n.id
  AND (d.revision < n.revision OR (d.revision = n.revision AND (d.env <> n.env OR d.secrets <> n.secrets)))
