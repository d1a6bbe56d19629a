SELECT position, event FROM deployment_events
WHERE deployment_id = ?1 AND position > ?2
ORDER BY position
