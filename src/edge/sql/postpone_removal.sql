UPDATE removals SET due_at = ?2 WHERE script = ?1
