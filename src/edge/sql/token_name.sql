SELECT name FROM api_tokens WHERE hash = ?1 AND revoked_at IS NULL
