SELECT COUNT(*) AS everywhere, COALESCE(SUM(app_id = ?1 AND revision >= ?2), 0) AS of_app
FROM deployments WHERE state = 'pending'
