INSERT INTO removals (script, due_at)
SELECT ?2, ?3 FROM deployments
WHERE id = ?1 AND attempt > 0 AND (removed_at IS NOT NULL OR state IN ('failed', 'cancelled'))
ON CONFLICT DO NOTHING
