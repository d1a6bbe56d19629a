//! D1: what survives of apps and deployments. Every statement is a file in `src/edge/sql`,
//! prepared against the migrated schema by `tests/sql.test.mjs`.
//!
//! Numbers are bound as `f64`: the binding's own integer type has 32 bits, epoch milliseconds
//! have more, and JavaScript's numbers are exact up to 2^53.

mod activations;
mod apps;
mod deployments;
mod domains;
mod removals;

pub(crate) use activations::Moved;
pub(crate) use apps::AppRow;
pub(crate) use deployments::{Asked, DeploymentRow, Inserted, Move, Standing};
pub(crate) use domains::DomainRow;

use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env, Result};

/// The database.
pub(crate) struct Store(D1Database);

impl Store {
    /// The one bound to this Worker.
    pub(crate) fn open(env: &Env) -> Result<Self> {
        crate::config::database(env).map(Self)
    }

    fn statement(&self, sql: &str, values: &[JsValue]) -> Result<D1PreparedStatement> {
        self.0.prepare(sql).bind(values)
    }

    async fn first<T: DeserializeOwned>(&self, sql: &str, values: &[JsValue]) -> Result<Option<T>> {
        self.statement(sql, values)?.first(None).await
    }

    async fn all<T: DeserializeOwned>(&self, sql: &str, values: &[JsValue]) -> Result<Vec<T>> {
        self.statement(sql, values)?.all().await?.results()
    }

    /// Runs one statement; the number of rows it changed.
    async fn run(&self, sql: &str, values: &[JsValue]) -> Result<usize> {
        changes(&self.statement(sql, values)?.run().await?)
    }

    /// Runs statements in one transaction.
    async fn batch(&self, statements: Vec<D1PreparedStatement>) -> Result<Vec<worker::D1Result>> {
        self.0.batch(statements).await
    }

    /// Runs statements in one transaction; the number of rows each changed.
    async fn transaction(&self, statements: Vec<D1PreparedStatement>) -> Result<Vec<usize>> {
        self.batch(statements).await?.iter().map(changes).collect()
    }

    /// The name of the good token of that SHA-256.
    pub(crate) async fn token_name(&self, hash: &str) -> Result<Option<String>> {
        let found: Option<Name> = self
            .first(include_str!("../../sql/token_name.sql"), &[text(hash)])
            .await?;
        Ok(found.map(|row| row.name))
    }

    /// Answers when the database does.
    pub(crate) async fn health(&self) -> Result<()> {
        self.0
            .prepare(include_str!("../../sql/health.sql"))
            .run()
            .await
            .map(drop)
    }
}

#[derive(serde::Deserialize)]
struct Name {
    name: String,
}

fn changes(result: &worker::D1Result) -> Result<usize> {
    Ok(result.meta()?.and_then(|meta| meta.changes).unwrap_or(0))
}

fn text(value: &str) -> JsValue {
    JsValue::from_str(value)
}

fn optional_text(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times, sizes and counts stay far below 2^53"
)]
fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn optional_number(value: Option<u64>) -> JsValue {
    value.map_or(JsValue::NULL, number)
}
