UPDATE deployments
SET state = ?4, attempt = ?5, lease_until = ?6,
  taken_up_at = COALESCE(?7, taken_up_at),
  queued_ms = COALESCE(?8, queued_ms),
  build_ms = COALESCE(?9, build_ms),
  upload_ms = COALESCE(?10, upload_ms),
  verify_ms = COALESCE(?11, verify_ms),
  total_ms = COALESCE(?12, total_ms),
  bundle = COALESCE(?13, bundle),
  error = COALESCE(?14, error),
  deployed_at = COALESCE(?15, deployed_at)
WHERE id = ?1 AND state = ?2 AND attempt = ?3
  -- A taking-up, at ?16, waits for the app's other build.
  AND (?16 IS NULL OR NOT EXISTS (
    SELECT 1 FROM deployments o
    WHERE o.app_id = deployments.app_id AND o.id <> deployments.id
      AND o.state IN ('building', 'deploying') AND o.lease_until > ?16))
