UPDATE deployments AS d SET state = 'superseded', total_ms = ?2 - d.created_at
FROM deployments n
WHERE n.id = ?1 AND d.app_id = n.app_id AND d.state = 'pending' AND d.id <> n.id
  AND (d.revision < n.revision OR (d.revision = n.revision AND (d.env <> n.env OR d.secrets <> n.secrets)))
RETURNING id
