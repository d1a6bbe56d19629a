//! A slug from a folder's name.
//!
//! What a valid slug is, the API decides; this only makes a likely one.

/// Longest slug the API takes.
const LONGEST: usize = 40;

/// `My App_2` → `my-app-2`; `None` when nothing usable is left.
pub(crate) fn slugify(name: &str) -> Option<String> {
    let mut slug = String::new();
    for character in name.chars().map(|character| character.to_ascii_lowercase()) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST);
    let slug = slug.trim_end_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

#[cfg(test)]
mod tests {
    use super::slugify;

    #[test]
    fn folder_names_become_slugs() {
        for (name, slug) in [
            ("demo", Some("demo")),
            ("My App_2", Some("my-app-2")),
            ("--x--y--", Some("x-y")),
            ("Größe", Some("gr-e")),
            ("日本", None),
            ("", None),
        ] {
            assert_eq!(slugify(name).as_deref(), slug, "{name}");
        }
        assert_eq!(
            slugify(&format!("{}-tail", "a".repeat(39))).as_deref(),
            Some("a".repeat(39).as_str())
        );
    }
}
