//! Which requests take which route.

use super::*;
use proptest::prelude::*;

fn app() -> String {
    "demo".to_owned()
}

#[test]
fn finds_the_route() {
    let id = || "0123456789ab".to_owned();
    for (method, path, route) in [
        ("GET", "/", Route::Console),
        ("HEAD", "/healthz", Route::Health),
        ("POST", "/v1/apps", Route::CreateApp),
        ("GET", "/v1/apps/demo", Route::ReadApp { app: app() }),
        (
            "PATCH",
            "/v1/apps/demo/files",
            Route::EditFiles { app: app() },
        ),
        (
            "GET",
            "/v1/apps/demo/files/src/%5Bid%5D.tsx",
            Route::ReadFile {
                app: app(),
                path: "src/[id].tsx".to_owned(),
            },
        ),
        (
            "POST",
            "/v1/apps/demo/deployments/0123456789ab/activate",
            Route::Activate {
                app: app(),
                id: id(),
            },
        ),
        (
            "PATCH",
            "/v1/apps/demo/deployments/0123456789ab",
            Route::ChangeDeployment {
                app: app(),
                id: id(),
            },
        ),
        (
            "POST",
            "/v1/apps/demo/deployments/0123456789ab/cancel",
            Route::Cancel {
                app: app(),
                id: id(),
            },
        ),
        (
            "GET",
            "/v1/apps/demo/activations",
            Route::ListActivations { app: app() },
        ),
        (
            "GET",
            "/v1/apps/demo/room",
            Route::EditorSocket { app: app() },
        ),
        ("GET", "/v1/apps/demo/logs", Route::ListLogs { app: app() }),
        (
            "GET",
            "/v1/apps/demo/metrics/hmr",
            Route::HmrMetrics { app: app() },
        ),
        (
            "GET",
            "/v1/apps/demo/deployments/0123456789ab/maps/assets/a-1.js.map",
            Route::ReadMap {
                app: app(),
                id: id(),
                path: "assets/a-1.js.map".to_owned(),
            },
        ),
        (
            "POST",
            "/v1/apps/demo/deployments/0123456789ab/trace",
            Route::Trace {
                app: app(),
                id: id(),
            },
        ),
        (
            "PUT",
            "/internal/v1/apps/demo/deployments/0123456789ab/maps/assets/a-1.js.map",
            Route::KeepMap {
                app: app(),
                id: id(),
                path: "assets/a-1.js.map".to_owned(),
            },
        ),
        (
            "POST",
            "/internal/v1/apps/demo/blobs",
            Route::Blobs { app: app() },
        ),
    ] {
        assert_eq!(Route::parse(method, path), Ok(route), "{method} {path}");
    }
}

#[test]
fn finds_the_routes_of_whole_trees() {
    for (method, path, route) in [
        (
            "PUT",
            "/v1/apps/demo/files",
            Route::ReplaceFiles { app: app() },
        ),
        (
            "POST",
            "/v1/apps/demo/revisions/7/restore",
            Route::RestoreRevision {
                app: app(),
                revision: "7".to_owned(),
            },
        ),
    ] {
        assert_eq!(Route::parse(method, path), Ok(route), "{method} {path}");
    }
}

#[test]
fn says_which_methods_there_are() {
    for (method, path, allow) in [
        ("PUT", "/v1/apps", "GET, HEAD, POST"),
        ("POST", "/v1/apps/demo", "GET, HEAD, PATCH, DELETE"),
        ("GET", "/v1/apps/demo/rollback", "POST"),
        ("POST", "/v1/apps/demo/env", "GET, HEAD, PUT"),
        ("BREW", "/", "GET, HEAD"),
    ] {
        let error = RouteError::MethodNotAllowed {
            allow: allow.to_owned(),
        };
        assert_eq!(Route::parse(method, path), Err(error), "{method} {path}");
    }
}

#[test]
fn refuses() {
    for path in [
        "/v1",
        "/v1/apps/",
        "/v1/apps/a/b",
        "/v2/apps",
        "/favicon.ico",
    ] {
        assert_eq!(
            Route::parse("GET", path),
            Err(RouteError::NotFound),
            "{path}"
        );
    }
    for path in ["..%2fx", "a%5Cb", "%00", "/etc", "a//b", "%ff"] {
        let error = Route::parse("GET", &format!("/v1/apps/a/files/{path}")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidPath, "{path}");
    }
}

proptest! {
    #[test]
    fn no_route_without_its_access(method in "GET|POST|PUT|PATCH|DELETE", path in "(/[a-z0-9%.]{0,5}){0,6}") {
        if let Ok(route) = Route::parse(&method, &path) {
            prop_assert_eq!(route.access(), access_of_path(&path));
        }
    }
}

#[test]
fn finds_the_routes_of_domains() {
    let host = || "shop.example.com".to_owned();
    let one = "/v1/apps/demo/domains/shop.example.com";
    for (method, path, route) in [
        (
            "GET",
            "/v1/apps/demo/domains",
            Route::ListDomains { app: app() },
        ),
        (
            "GET",
            one,
            Route::ReadDomain {
                app: app(),
                host: host(),
            },
        ),
        (
            "PUT",
            one,
            Route::ClaimDomain {
                app: app(),
                host: host(),
            },
        ),
        (
            "DELETE",
            one,
            Route::RemoveDomain {
                app: app(),
                host: host(),
            },
        ),
    ] {
        assert_eq!(Route::parse(method, path), Ok(route), "{method} {path}");
    }
    assert_eq!(
        Route::parse("GET", "/v1/apps/demo/domains/"),
        Err(RouteError::NotFound)
    );
    assert_eq!(
        Route::parse("POST", one),
        Err(RouteError::MethodNotAllowed {
            allow: "GET, HEAD, PUT, DELETE".to_owned()
        })
    );
}
