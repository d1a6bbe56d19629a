UPDATE apps SET env = ?2 WHERE id = ?1
