INSERT INTO removals (script, due_at)
SELECT ?2 || id, CASE WHEN state = 'deployed' THEN ?3 ELSE ?4 END FROM deployments
WHERE app_id = ?1 AND attempt > 0 AND removed_at IS NULL
ON CONFLICT DO NOTHING
