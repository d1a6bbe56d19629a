SELECT id FROM deployments
WHERE state IN ('pending', 'building', 'deploying')
  AND CASE state WHEN 'pending' THEN created_at <= ?1 ELSE lease_until <= ?2 END
ORDER BY id
LIMIT ?3
