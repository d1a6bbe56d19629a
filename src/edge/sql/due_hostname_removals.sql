SELECT host FROM hostname_removals
WHERE due_at <= ?1 AND host NOT IN (SELECT host FROM domains WHERE state <> 'pending')
ORDER BY due_at
LIMIT ?2
