SELECT d.id FROM deployments d
WHERE d.state = 'pending'
  AND NOT EXISTS (
    SELECT 1 FROM deployments o
    WHERE o.app_id = d.app_id AND o.state IN ('building', 'deploying') AND o.lease_until > ?1)
ORDER BY (
  SELECT o.taken_up_at FROM deployments o
  WHERE o.app_id = d.app_id AND o.state <> 'pending' ORDER BY o.id DESC LIMIT 1), d.id
LIMIT 1
