SELECT app_id, host, token, state, problem, created_at, verified_at
FROM domains
WHERE check_at <= ?1
ORDER BY check_at
LIMIT ?2
