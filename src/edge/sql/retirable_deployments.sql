SELECT k.id, a.slug AS app
FROM (
  SELECT id, app_id, pinned, ROW_NUMBER() OVER (PARTITION BY app_id ORDER BY id DESC) AS rank
  FROM deployments WHERE state = 'deployed' AND removed_at IS NULL
) k JOIN apps a ON a.id = k.app_id
WHERE k.rank > ?1 AND k.pinned = 0 AND a.active_deployment IS NOT k.id
ORDER BY k.id
LIMIT ?2
