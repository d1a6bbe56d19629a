UPDATE deployments SET lease_until = 0, interruption = ?3
WHERE id = ?1 AND attempt = ?2 AND state IN ('building', 'deploying')
