SELECT previous AS id FROM activations
WHERE app_id = ?1 AND deployment_id = ?2 AND cause <> 'rollback'
ORDER BY id DESC
LIMIT 1
