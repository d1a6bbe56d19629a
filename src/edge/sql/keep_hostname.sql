DELETE FROM hostname_removals WHERE host = ?1
