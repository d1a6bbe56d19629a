DELETE FROM removals WHERE script = ?1
