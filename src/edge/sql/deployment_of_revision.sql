SELECT d.id, d.app_id, a.slug AS app, d.state, d.revision, d.message, d.env, d.secrets, d.attempt, d.lease_until,
  d.taken_up_at, d.queued_ms, d.build_ms, d.upload_ms, d.verify_ms, d.total_ms, d.bundle, d.error,
  a.active_deployment IS d.id AS active, d.created_at, d.deployed_at, d.asked_by, d.interruption,
  d.pinned, d.removed_at
FROM deployments d JOIN apps a ON a.id = d.app_id
WHERE d.app_id = ?1 AND d.revision = ?2 AND d.env = ?3 AND d.secrets = ?4
  AND d.state IN ('pending', 'building', 'deploying', 'deployed') AND d.removed_at IS NULL
