//! `cargo run -p hotplate-cloudflare-api --example upload` reads one command as JSON and makes the
//! calls that the build service makes, against the API of the environment (`CLOUDFLARE_API_BASE`,
//! `CLOUDFLARE_ACCOUNT_ID`, `CLOUDFLARE_API_TOKEN`, `WFP_NAMESPACE_ID`). It prints `{"ok": …}`, or
//! `{"error": …}` and exits with 1. A tool for tests and for looking; it decides nothing itself.

use data_encoding::BASE64;
use hotplate_cloudflare_api::{
    AssetFile, AssetsConfig, AssetsMetadata, Client, Error, Module, ModuleType, Namespace, Script,
    ScriptMetadata, Token,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Upload {
        script: String,
        /// The tenant, whose equal files travel once.
        #[serde(default)]
        salt: String,
        /// None: a script without assets.
        assets: Option<Vec<Asset>>,
        /// Source of the ES module that is the entry; none for assets alone.
        main: Option<String>,
        #[serde(default)]
        tags: Vec<String>,
        not_found_handling: Option<String>,
    },
    Get {
        script: String,
    },
    List {
        #[serde(default)]
        tags: Vec<String>,
        cursor: Option<String>,
    },
    Delete {
        script: String,
    },
    Tags {
        script: String,
    },
    SetTags {
        script: String,
        tags: Vec<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asset {
    path: String,
    #[serde(rename = "base64", deserialize_with = "decoded")]
    bytes: Vec<u8>,
    content_type: Option<String>,
}

fn decoded<'de, D: Deserializer<'de>>(text: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(text)?;
    BASE64
        .decode(text.as_bytes())
        .map_err(serde::de::Error::custom)
}

/// What to print for a failed call.
fn described(error: &Error) -> Value {
    let (status, errors) = match error {
        Error::Api { status, errors } => (Some(*status), errors.as_slice()),
        _ => (None, [].as_slice()),
    };
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| json!({ "code": error.code, "message": error.message }))
        .collect();
    json!({ "error": {
        "code": error.code(), "message": error.to_string(), "status": status, "errors": errors,
    } })
}

fn shown(script: &Script) -> Value {
    json!({ "id": script.id, "tags": script.tags, "created_on": script.created_on })
}

async fn run(namespace: Namespace<'_>, command: Command) -> Result<Value, Error> {
    match command {
        Command::Upload {
            script,
            salt,
            assets,
            main,
            tags,
            not_found_handling,
        } => {
            let assets = match assets {
                None => None,
                Some(assets) => {
                    let files: Vec<AssetFile> = assets
                        .into_iter()
                        .map(|asset| AssetFile {
                            path: asset.path,
                            bytes: asset.bytes,
                            content_type: asset.content_type,
                        })
                        .collect();
                    let config = AssetsConfig {
                        not_found_handling,
                        ..AssetsConfig::default()
                    };
                    let jwt = namespace.upload_assets(&script, &salt, &files).await?;
                    Some(AssetsMetadata { jwt, config })
                }
            };
            let modules: Vec<Module> = main
                .map(|source| Module {
                    name: "main.js".to_owned(),
                    kind: ModuleType::Esm,
                    bytes: source.into_bytes(),
                })
                .into_iter()
                .collect();
            let metadata = ScriptMetadata {
                main_module: modules.first().map(|module| module.name.clone()),
                compatibility_date: "2026-11-01".to_owned(),
                tags,
                assets,
                ..ScriptMetadata::default()
            };
            let uploaded = namespace
                .upload_script(&script, &metadata, &modules)
                .await?;
            Ok(json!({
                "id": uploaded.id, "etag": uploaded.etag, "has_assets": uploaded.has_assets,
                "startup_time_ms": uploaded.startup_time_ms,
            }))
        }
        Command::Get { script } => {
            let found = namespace.script(&script).await?;
            Ok(found.map_or(Value::Null, |details| {
                json!({
                    "namespace": details.dispatch_namespace, "script": shown(&details.script),
                })
            }))
        }
        Command::List { tags, cursor } => {
            let page = namespace.scripts(&tags, cursor.as_deref()).await?;
            let scripts: Vec<Value> = page.scripts.iter().map(shown).collect();
            Ok(json!({ "scripts": scripts, "cursor": page.cursor }))
        }
        Command::Delete { script } => Ok(json!(namespace.delete_script(&script).await?)),
        Command::Tags { script } => Ok(json!(namespace.tags(&script).await?)),
        Command::SetTags { script, tags } => {
            namespace.set_tags(&script, &tags).await?;
            Ok(Value::Null)
        }
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let variable =
        |name: &str| std::env::var(name).map_err(|error| format!("{name} cannot be read: {error}"));
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let command = serde_json::from_str(&text)?;
    let client = Client::new(
        &variable("CLOUDFLARE_API_BASE")?,
        variable("CLOUDFLARE_ACCOUNT_ID")?,
        Token::new(variable("CLOUDFLARE_API_TOKEN")?),
    )?;
    let namespace = variable("WFP_NAMESPACE_ID")?;
    let (line, code) = match run(client.namespace(&namespace), command).await {
        Ok(result) => (json!({ "ok": result }), ExitCode::SUCCESS),
        Err(error) => (described(&error), ExitCode::FAILURE),
    };
    writeln!(std::io::stdout(), "{line}")?;
    Ok(code)
}
