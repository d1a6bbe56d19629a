SELECT a.slug, a.active_deployment
FROM domains d JOIN apps a ON a.id = d.app_id
WHERE d.host = ?1 AND d.state <> 'pending'
