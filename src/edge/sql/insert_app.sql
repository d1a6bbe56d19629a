INSERT INTO apps (id, slug, name, visibility, created_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (slug) DO NOTHING
