UPDATE domains SET state = 'pending', verified_at = NULL, check_at = NULL,
  problem = 'another app proved later that the domain is its own'
WHERE host = ?2 AND app_id <> ?1 AND state <> 'pending'
