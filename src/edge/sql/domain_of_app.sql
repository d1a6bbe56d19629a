SELECT app_id, host, token, state, problem, created_at, verified_at
FROM domains
WHERE app_id = ?1 AND host = ?2
