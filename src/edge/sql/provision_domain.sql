UPDATE domains SET state = 'active', problem = NULL, check_at = NULL
WHERE app_id = ?1 AND host = ?2 AND state = 'provisioning'
