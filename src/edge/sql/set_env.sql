UPDATE apps SET env = ?2, secrets = ?3 WHERE id = ?1 AND env = ?4 AND secrets = ?5
