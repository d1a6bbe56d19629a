UPDATE hostname_removals SET due_at = ?2 WHERE host = ?1
