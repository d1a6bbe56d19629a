//! Every sent and stored JSON shape, pinned: each golden reads as its type and writes back the same.
//! The JavaScript twin reads the same files (`tests/protocol.test.mjs`).

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first broken golden"
)]

use hotplate_protocol as protocol;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/protocol")
}

fn check<T: Serialize + DeserializeOwned>(golden: &Value) -> Result<(), String> {
    let value: T = serde_json::from_value(golden.clone()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&value).map_err(|error| error.to_string())?;
    if &written == golden {
        Ok(())
    } else {
        Err(format!("writes back as {written}"))
    }
}

type Check = fn(&Value) -> Result<(), String>;

/// Goldens stand in files named after the type, each an object of case name → JSON.
const TYPES: &[(&str, Check)] = &[
    ("activation-list", check::<protocol::ActivationList>),
    ("app", check::<protocol::App>),
    ("bundle", check::<protocol::Bundle>),
    ("active-pointer", check::<protocol::ActivePointer>),
    ("blob-answer", check::<protocol::BlobAnswer>),
    ("build-event", check::<protocol::BuildEvent>),
    ("build-job", check::<protocol::BuildJob>),
    ("custom-domain", check::<protocol::CustomDomain>),
    ("create-app", check::<protocol::CreateApp>),
    ("deployment", check::<protocol::Deployment>),
    ("deployment-event", check::<protocol::DeploymentEvent>),
    ("diagnostic", check::<protocol::Diagnostic>),
    ("edit-request", check::<protocol::EditRequest>),
    ("edit-result", check::<protocol::EditResult>),
    ("editor-message", check::<protocol::EditorMessage>),
    ("editor-request", check::<protocol::EditorRequest>),
    ("environment", check::<protocol::Environment>),
    ("file-list", check::<protocol::FileList>),
    ("hostname-answer", check::<protocol::HostnameAnswer>),
    ("hostname-request", check::<protocol::HostnameRequest>),
    ("hmr-metrics", check::<protocol::HmrMetrics>),
    ("log-list", check::<protocol::LogList>),
    ("patch-deployment", check::<protocol::PatchDeployment>),
    ("problem", check::<protocol::Problem>),
    ("queued-deployment", check::<protocol::QueuedDeployment>),
    ("removal-answer", check::<protocol::RemovalAnswer>),
    ("removal-request", check::<protocol::RemovalRequest>),
    ("restore-request", check::<protocol::RestoreRequest>),
    ("revision-list", check::<protocol::RevisionList>),
    ("room-message", check::<protocol::RoomMessage>),
    ("server-answer", check::<protocol::ServerAnswer>),
    ("server-job", check::<protocol::ServerJob>),
    ("trace-request", check::<protocol::TraceRequest>),
    ("traced-stack", check::<protocol::TracedStack>),
    ("vendor-event", check::<protocol::VendorEvent>),
    ("vendor-request", check::<protocol::VendorRequest>),
    ("viewer-message", check::<protocol::ViewerMessage>),
];

#[test]
fn every_golden_reads_and_writes_back_the_same() {
    let mut failures = Vec::new();
    for (name, check) in TYPES {
        let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        let cases: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert!(!cases.is_empty(), "{name}.json has no case");
        for (case, golden) in &cases {
            if let Err(why) = check(golden) {
                failures.push(format!("{name}/{case}: {why}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_golden_file_has_a_type() {
    let known: BTreeSet<String> = TYPES
        .iter()
        .map(|(name, _)| format!("{name}.json"))
        .collect();
    let found: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn requests_refuse_unknown_fields_and_ambiguous_content() {
    let refused = [
        r#"{"writes":[],"delets":[]}"#,
        r#"{"writes":[{"path":"a","content":"x","base64":"eA=="}]}"#,
        r#"{"writes":[{"path":"a"}]}"#,
        r#"{"writes":[{"path":"a","content":"x","mode":"0644"}]}"#,
    ];
    for body in refused {
        assert!(
            serde_json::from_str::<protocol::EditRequest>(body).is_err(),
            "{body}"
        );
    }
    let refused_of_editors = [
        r#"{"type":"edit","request_id":"1","wirtes":[]}"#,
        r#"{"type":"edit","writes":[]}"#,
        r#"{"type":"edit","request_id":1}"#,
        r#"{"type":"edit","request_id":"1","writes":[{"path":"a","content":"x","mode":"0644"}]}"#,
        r#"{"type":"hello"}"#,
        r#"{"type":"applied","seq":1,"ms":1,"outcome":"hot"}"#,
        r#"{"type":"custom","event":"a","to":"b"}"#,
    ];
    for text in refused_of_editors {
        assert!(
            serde_json::from_str::<protocol::EditorRequest>(text).is_err(),
            "{text}"
        );
    }
    assert!(serde_json::from_str::<protocol::CreateApp>(r#"{"slug":"a","nmae":"b"}"#).is_err());
}

#[test]
fn error_codes_are_distinct_and_carry_an_error_status() {
    let codes: BTreeSet<&str> = protocol::ErrorCode::ALL
        .iter()
        .map(|code| code.as_str())
        .collect();
    assert_eq!(codes.len(), protocol::ErrorCode::ALL.len());
    for code in protocol::ErrorCode::ALL {
        assert!((400..600).contains(&code.status()), "{}", code.as_str());
        let json = serde_json::to_value(code).unwrap();
        assert_eq!(json, Value::from(code.as_str()));
    }
}
