INSERT INTO domains (app_id, host, token, created_at, check_at)
VALUES (?1, ?2, ?3, ?4, ?4)
ON CONFLICT DO NOTHING
