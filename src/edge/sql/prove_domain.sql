UPDATE domains SET state = 'provisioning', verified_at = ?3, problem = NULL, check_at = ?3
WHERE app_id = ?1 AND host = ?2 AND state = 'pending'
