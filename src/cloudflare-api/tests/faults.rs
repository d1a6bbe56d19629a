//! The client against a server that misbehaves: 5xx, 429, garbage, hanging and cut connections,
//! and a session that loses its token. The server is real HTTP; only its answers are planned.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use hotplate_cloudflare_api::{AssetFile, Client, Error, RetryPolicy, ScriptMetadata, Token};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Planned = (u16, &'static [(&'static str, &'static str)], &'static str);
type Seen = Vec<(String, String, String)>;

#[derive(Clone, Default)]
struct Plan {
    answers: Arc<Mutex<VecDeque<Planned>>>,
    /// Method and path, authorization, body.
    seen: Arc<Mutex<Seen>>,
}

async fn answer(
    State(plan): State<Plan>,
    headers: HeaderMap,
    request: Request<Body>,
) -> Response<Body> {
    let line = format!("{} {}", request.method(), request.uri());
    let bearer = headers["authorization"].to_str().unwrap().to_owned();
    let body: Bytes = axum::body::to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap();
    plan.seen
        .lock()
        .unwrap()
        .push((line, bearer, String::from_utf8_lossy(&body).into_owned()));
    let next = plan.answers.lock().unwrap().pop_front();
    let (status, extra, text) = next.unwrap_or((500, &[], "not planned"));
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in extra {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

async fn serve(answers: &[Planned]) -> (Client, Plan) {
    let plan = Plan::default();
    plan.answers.lock().unwrap().extend(answers.iter().copied());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/client/v4", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(plan.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let policy = RetryPolicy {
        first_pause: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let client = Client::new(&base, "acc", Token::new("tok"))
        .unwrap()
        .with_retry(policy);
    (client, plan)
}

const OK: Planned = (
    200,
    &[],
    r#"{"success":true,"result":{"id":"s","etag":"e"},"errors":[],"messages":[]}"#,
);
const DOWN: Planned = (
    500,
    &[],
    r#"{"success":false,"errors":[{"code":10013,"message":"internal"}]}"#,
);
const LIMITED: Planned = (429, &[("retry-after", "0")], "slow down");
const LIMITED_LONG: Planned = (429, &[("retry-after", "3600")], "slow down");
const GATEWAY: Planned = (502, &[], "<html>");
const REFUSED: Planned = (
    400,
    &[],
    r#"{"success":false,"errors":[{"code":10021,"message":"no"}]}"#,
);
const GARBAGE: Planned = (200, &[], "<html>");

#[tokio::test]
async fn retries_what_may_pass_and_nothing_else() {
    let cases: &[(&[Planned], &str, usize)] = &[
        (&[OK], "ok", 1),
        (&[DOWN, OK], "ok", 2),
        (&[LIMITED, GATEWAY, OK], "ok", 3),
        (&[DOWN, DOWN, DOWN, OK], "cloudflare_refused", 3),
        (&[LIMITED, LIMITED, LIMITED], "cloudflare_rate_limited", 3),
        (&[LIMITED_LONG, OK], "cloudflare_rate_limited", 1),
        (&[GATEWAY, GATEWAY, GATEWAY], "cloudflare_garbled", 3),
        (&[REFUSED, OK], "cloudflare_refused", 1),
        (&[GARBAGE, OK], "cloudflare_garbled", 1),
    ];
    for (answers, expected, calls) in cases {
        let (client, plan) = serve(answers).await;
        let result = client
            .namespace("ns")
            .upload_script("s", &ScriptMetadata::default(), &[])
            .await;
        let code = result.as_ref().map_or_else(Error::code, |_| "ok");
        let seen = plan.seen.lock().unwrap();
        assert_eq!((code, seen.len()), (*expected, *calls), "{answers:?}");
        for (line, bearer, body) in seen.iter() {
            assert_eq!(
                line,
                "PUT /client/v4/accounts/acc/workers/dispatch/namespaces/ns/scripts/s"
            );
            assert_eq!(bearer, "Bearer tok");
            assert!(
                body.contains("name=\"metadata\""),
                "the body is whole at every attempt"
            );
        }
    }
}

#[tokio::test]
async fn a_token_in_an_answer_is_not_quoted() {
    for answer in [
        (502, &[][..], "<html>Bearer tok</html>"),
        (
            403,
            &[],
            r#"{"success":false,"errors":[{"code":9109,"message":"no access with tok"}]}"#,
        ),
    ] {
        let (client, _plan) = serve(&[answer, answer, answer]).await;
        let error = client.namespace("ns").script("s").await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("tok") && shown.contains("****"), "{shown}");
    }
}

#[tokio::test]
async fn every_call_is_told_with_its_status_and_time() {
    let (client, _plan) = serve(&[DOWN, OK]).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let observed = client.observed(move |call| listener.lock().unwrap().push(call.to_string()));
    observed
        .namespace("ns")
        .upload_script("s", &ScriptMetadata::default(), &[])
        .await
        .unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    for (line, status) in told.iter().zip(["500", "200"]) {
        let start = format!("PUT /workers/dispatch/namespaces/ns/scripts/s: {status} in ");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[tokio::test]
async fn after_a_long_refusal_nobody_calls() {
    let (client, plan) = serve(&[LIMITED_LONG, OK]).await;
    for _ in 0..2 {
        let error = client.namespace("ns").script("s").await.unwrap_err();
        assert_eq!(error.code(), "cloudflare_rate_limited");
    }
    assert_eq!(plan.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let policy = RetryPolicy {
        first_pause: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let client = Client::new(&base, "a", Token::new("t"))
        .unwrap()
        .with_retry(policy);
    let error = client.namespace("n").script("s").await.unwrap_err();
    assert_eq!(error.code(), "cloudflare_unreachable");
}

fn file(path: &str, bytes: &[u8]) -> AssetFile {
    AssetFile {
        path: path.into(),
        bytes: bytes.into(),
        content_type: Some("text/html".into()),
    }
}

#[tokio::test]
async fn assets_travel_only_when_asked_for() {
    let nothing_missing: Planned = (
        200,
        &[],
        r#"{"success":true,"result":{"jwt":"done","buckets":[]}}"#,
    );
    let (client, plan) = serve(&[nothing_missing]).await;
    client
        .namespace("ns")
        .upload_assets("s", "app", &[file("/index.html", b"x")])
        .await
        .unwrap();
    let seen = plan.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].2.contains(r#""manifest":{"/index.html":{"hash":""#));
}

#[tokio::test]
async fn a_session_without_its_tokens_is_incomplete() {
    for result in [
        r#"{"success":true,"result":{"buckets":[]}}"#,
        r#"{"success":true,"result":null}"#,
        r#"{"success":true,"result":{"jwt":"j","buckets":[["ffffffffffffffffffffffffffffffff"]]}}"#,
    ] {
        let (client, _plan) = serve(&[(200, &[], result)]).await;
        let error = client
            .namespace("ns")
            .upload_assets("s", "app", &[file("/a.html", b"x")])
            .await
            .unwrap_err();
        assert_eq!(error.code(), "cloudflare_incomplete", "{result}");
    }
}

#[tokio::test]
async fn missing_scripts_are_no_errors() {
    let gone: Planned = (
        404,
        &[],
        r#"{"success":false,"errors":[{"code":10007,"message":"not found"}]}"#,
    );
    let (client, _plan) = serve(&[gone, gone, (200, &[], "")]).await;
    let namespace = client.namespace("ns");
    assert_eq!(namespace.script("s").await.unwrap(), None);
    assert!(!namespace.delete_script("s").await.unwrap());
    assert!(namespace.delete_script("s").await.unwrap());
}

#[tokio::test]
async fn lists_pass_tags_and_cursors() {
    let page: Planned = (
        200,
        &[],
        r#"{"success":true,"result":[{"id":"a","tags":["app:x"]}],"result_info":{"cursor":"n"}}"#,
    );
    let (client, plan) = serve(&[page]).await;
    let got = client
        .namespace("ns")
        .scripts(&["app:x".into()], Some("c"))
        .await
        .unwrap();
    assert_eq!((got.scripts.len(), got.cursor.as_deref()), (1, Some("n")));
    let seen = plan.seen.lock().unwrap();
    assert!(
        seen[0]
            .0
            .ends_with("/scripts?limit=1000&tags=app%3Ax%3Ayes&cursor=c"),
        "{}",
        seen[0].0
    );
}
