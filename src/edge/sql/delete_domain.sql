DELETE FROM domains WHERE app_id = ?1 AND host = ?2
