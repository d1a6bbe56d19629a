INSERT INTO deployment_events (deployment_id, position, event)
SELECT ?1, COALESCE(MAX(position), 0) + 1, ?2
FROM deployment_events WHERE deployment_id = ?1
HAVING COALESCE(MAX(position), 0) < ?3
