SELECT request, deployment_id FROM idempotency_keys WHERE app_id = ?1 AND key = ?2
