INSERT INTO hostname_removals (host, due_at)
SELECT host, ?3 FROM domains
WHERE app_id = ?1 AND (?2 IS NULL OR host = ?2) AND state <> 'pending'
ON CONFLICT (host) DO NOTHING
