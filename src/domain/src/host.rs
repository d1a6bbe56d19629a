//! Host names: what each host under the base domain serves, and the URLs that lead there.

use crate::{DeploymentId, Slug};

/// The label after `--` that means the live preview.
const LIVE: &str = "live";

/// What a host serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// `<base>`: the API and the console.
    Platform,
    /// `<app>--live.<base>`: the working tree.
    Live {
        /// Whose.
        app: Slug,
    },
    /// `<app>--<deployment>.<base>`: that deployment, for ever.
    Deployment {
        /// Whose.
        app: Slug,
        /// Which.
        id: DeploymentId,
    },
    /// `<app>.<base>`: the active deployment.
    Production {
        /// Whose.
        app: Slug,
    },
    /// Anything else: a custom domain, or nobody's host.
    Custom {
        /// Lower-case, with its port.
        host: String,
    },
}

impl Host {
    /// Reads a `Host` header, with the port, against the base domain, with its port.
    pub fn parse(host: &str, base_domain: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let base = base_domain.to_ascii_lowercase();
        if host == base || is_loopback_of(&host, &base) {
            return Self::Platform;
        }
        host.strip_suffix(&base)
            .and_then(|rest| rest.strip_suffix('.'))
            .and_then(Self::from_label)
            .unwrap_or(Self::Custom { host })
    }

    fn from_label(label: &str) -> Option<Self> {
        let Some((app, rest)) = label.split_once("--") else {
            return Some(Self::Production {
                app: Slug::parse(label).ok()?,
            });
        };
        let app = Slug::parse(app).ok()?;
        if rest == LIVE {
            return Some(Self::Live { app });
        }
        let id = DeploymentId::parse(rest)?;
        Some(Self::Deployment { app, id })
    }
}

/// A local platform is also reached by address: health checks have no resolver for names.
fn is_loopback_of(host: &str, base: &str) -> bool {
    let Some(port) = base.strip_prefix("localhost") else {
        return false;
    };
    ["127.0.0.1", "[::1]"]
        .iter()
        .any(|address| host.strip_prefix(address) == Some(port))
}

/// The URLs of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    base_domain: String,
}

impl Urls {
    /// The platform at `base_domain` (with its port).
    pub fn new(base_domain: impl Into<String>) -> Self {
        Self {
            base_domain: base_domain.into(),
        }
    }

    /// `http` where browsers treat it as secure (loopback), `https` everywhere else.
    fn scheme(&self) -> &'static str {
        let name = self.base_domain.split(':').next().unwrap_or_default();
        if name == "localhost" || name.ends_with(".localhost") {
            "http"
        } else {
            "https"
        }
    }

    /// The API's origin, without a trailing slash.
    pub fn platform(&self) -> String {
        format!("{}://{}", self.scheme(), self.base_domain)
    }

    /// An app's live preview.
    pub fn live(&self, app: &str) -> String {
        format!("{}://{app}--{LIVE}.{}/", self.scheme(), self.base_domain)
    }

    /// One deployment.
    pub fn deployment(&self, app: &str, id: &str) -> String {
        format!("{}://{app}--{id}.{}/", self.scheme(), self.base_domain)
    }

    /// An app's active deployment.
    pub fn production(&self, app: &str) -> String {
        format!("{}://{app}.{}/", self.scheme(), self.base_domain)
    }

    /// Where the build service asks for contents of an app.
    pub fn blobs(&self, app: &str) -> String {
        format!("{}/internal/v1/apps/{app}/blobs", self.platform())
    }

    /// Where the build service puts the source maps of a deployment.
    pub fn maps(&self, app: &str, id: &str) -> String {
        let platform = self.platform();
        format!("{platform}/internal/v1/apps/{app}/deployments/{id}/maps")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = "localhost:8787";

    #[test]
    fn tells_hosts_apart() {
        let app = || Slug::parse("my-app").unwrap();
        let id = DeploymentId::new(1_800_000_000_000, [1, 2, 3]);
        let deployment = format!("my-app--{id}.localhost:8787");
        for (host, expected) in [
            ("localhost:8787", Host::Platform),
            ("LOCALHOST:8787", Host::Platform),
            ("127.0.0.1:8787", Host::Platform),
            ("[::1]:8787", Host::Platform),
            ("my-app--live.localhost:8787", Host::Live { app: app() }),
            ("My-App.localhost:8787", Host::Production { app: app() }),
            (
                deployment.as_str(),
                Host::Deployment {
                    app: app(),
                    id: id.clone(),
                },
            ),
        ] {
            assert_eq!(Host::parse(host, BASE), expected, "{host}");
        }
        for host in [
            "localhost",
            "localhost:8788",
            "127.0.0.1:1",
            "example.com",
            "xlocalhost:8787",
            ".localhost:8787",
            "a.b.localhost:8787",
            "a--b.localhost:8787",
            "a---live.localhost:8787",
            "--live.localhost:8787",
            "a--live--live.localhost:8787",
            "",
        ] {
            let expected = Host::Custom {
                host: host.to_owned(),
            };
            assert_eq!(Host::parse(host, BASE), expected, "{host}");
        }
        assert_eq!(
            Host::parse("127.0.0.1", "hotplate.dev"),
            Host::Custom {
                host: "127.0.0.1".to_owned()
            }
        );
    }

    proptest! {
        #[test]
        fn urls_lead_back(
            slug in "[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,4}",
            millis in 0u64..1 << 42, random: [u8; 3],
            base in prop_oneof![Just("localhost:8787"), Just("hotplate.dev"), Just("a.b.example")],
        ) {
            let app = Slug::parse(&slug).unwrap();
            let id = DeploymentId::new(millis, random);
            let urls = Urls::new(base);
            let host = |url: String| {
                let (_, rest) = url.split_once("://").unwrap();
                let host = rest.trim_end_matches('/');
                prop_assert!(host.split('.').next().unwrap().len() <= 63);
                Ok(Host::parse(host, base))
            };
            prop_assert_eq!(host(urls.live(&slug))?, Host::Live { app: app.clone() });
            prop_assert_eq!(host(urls.production(&slug))?, Host::Production { app: app.clone() });
            prop_assert_eq!(host(urls.deployment(&slug, id.as_str()))?, Host::Deployment { app, id });
            prop_assert_eq!(host(urls.platform())?, Host::Platform);
        }

        #[test]
        fn never_panics(host in ".{0,80}", base in ".{0,20}") {
            let _ = Host::parse(&host, &base);
        }
    }
}
