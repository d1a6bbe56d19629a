UPDATE deployments SET pinned = ?2 WHERE id = ?1 AND removed_at IS NULL
