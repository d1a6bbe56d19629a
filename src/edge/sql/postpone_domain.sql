UPDATE domains SET problem = ?3, check_at = ?4
WHERE app_id = ?1 AND host = ?2 AND state <> 'active'
