SELECT v.previous AS id FROM activations v
WHERE v.app_id = ?1 AND v.deployment_id = ?2 AND v.cause <> 'rollback'
ORDER BY v.id DESC
LIMIT 1
