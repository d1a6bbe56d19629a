INSERT INTO idempotency_keys (app_id, key, request, deployment_id, at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING
