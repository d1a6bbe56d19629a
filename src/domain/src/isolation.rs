//! What may pass between the platform and tenant code: headers and cookies that are the
//! platform's own never reach an app, and an app's response cannot reach beyond its origin.

/// Beginning of the names of the platform's own headers.
const HEADER_PREFIX: &str = "x-hotplate-";
/// Beginning of the names of the platform's own cookies, after a `__Host-` or `__Secure-`.
const COOKIE_PREFIX: &str = "hotplate";

/// Whether a request header is the platform's own.
pub fn is_platform_header(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with(HEADER_PREFIX)
}

/// Whether a response header would give tenant code power beyond its page.
pub fn is_privileged_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "service-worker-allowed" | "clear-site-data")
        || name.starts_with(HEADER_PREFIX)
}

/// A `Cookie` header's value without the platform's cookies; `None` when nothing is left.
pub fn without_platform_cookies(header: &str) -> Option<String> {
    let kept: Vec<&str> = header
        .split(';')
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty() && !is_platform_cookie(cookie))
        .collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

/// Whether an app may set that cookie: not one of the platform's, and not for the base domain,
/// where every other app would receive it.
pub fn allows_set_cookie(header: &str, base_domain: &str) -> bool {
    let base = base_domain.split(':').next().unwrap_or_default();
    let shared = header.split(';').skip(1).any(|attribute| {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
        name.trim().eq_ignore_ascii_case("domain")
            && (domain == base || base.ends_with(&format!(".{domain}")))
    });
    !shared && !is_platform_cookie(header.trim_start())
}

fn is_platform_cookie(cookie: &str) -> bool {
    let name = cookie.split(['=', ';']).next().unwrap_or_default().trim();
    let lower = name.to_ascii_lowercase();
    let bare = ["__host-", "__secure-"]
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(&lower);
    bare.starts_with(COOKIE_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        assert!(is_platform_header("X-Hotplate-App"));
        assert!(!is_platform_header("authorization"));
        assert!(is_privileged_header("Clear-Site-Data"));
        assert!(is_privileged_header("service-worker-allowed"));
        assert!(!is_privileged_header("content-type"));
    }

    #[test]
    fn cookies_to_apps() {
        for (header, rest) in [
            ("a=1; b=2", Some("a=1; b=2")),
            ("a=1; __Host-hotplate_preview=x; b=2", Some("a=1; b=2")),
            ("hotplate=x", None),
            ("", None),
        ] {
            assert_eq!(
                without_platform_cookies(header).as_deref(),
                rest,
                "{header}"
            );
        }
    }

    #[test]
    fn cookies_from_apps() {
        for (header, allowed) in [
            ("a=1; Path=/", true),
            ("a=1; Domain=demo.hotplate.dev", true),
            ("a=1; Domain=hotplate.dev", false),
            ("a=1; domain=.Hotplate.dev; Path=/", false),
            ("a=1; Domain=dev", false),
            ("__Secure-Hotplate=1", false),
        ] {
            assert_eq!(
                allows_set_cookie(header, "hotplate.dev:443"),
                allowed,
                "{header}"
            );
        }
    }
}
