SELECT id, deployment_id, previous, cause, moved_by, at FROM activations
WHERE app_id = ?1 AND (?2 IS NULL OR id < ?2)
ORDER BY id DESC
LIMIT ?3
