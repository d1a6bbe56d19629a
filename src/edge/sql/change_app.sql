UPDATE apps
SET name = COALESCE(?2, name), visibility = COALESCE(?3, visibility)
WHERE id = ?1
