//! How live updates went: answer of `GET /v1/apps/{slug}/metrics/hmr`.

use serde::{Deserialize, Serialize};

/// How a duration is spread, in milliseconds; null when nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Values measured.
    pub count: u64,
    /// Half of them are at most this.
    pub p50: Option<f64>,
    /// 95 of 100 are.
    pub p95: Option<f64>,
    /// 99 of 100 are.
    pub p99: Option<f64>,
}

/// The updates of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HmrWindow {
    /// Its begin, epoch milliseconds; it ends now.
    pub from: u64,
    /// Updates that edits made.
    pub updates: u64,
    /// Reports of viewers that applied one and kept their state.
    pub hot: u64,
    /// Reports of viewers that loaded the page anew for one.
    pub reloads: u64,
    /// Reports of viewers in which one threw.
    pub failed: u64,
    /// Room: compiling and linking. On Cloudflare a Worker's clock stands still while it computes, so this is 0 there.
    pub compile_ms: Spread,
    /// Room: handing the update to the sockets. 0 on Cloudflare, likewise.
    pub broadcast_ms: Spread,
    /// Viewer, by the page's clock: from receipt to the commit.
    pub apply_ms: Spread,
    /// Room: from the edit's arrival to the viewer's report, everything between included. Both ends are
    /// arrivals, at which the clock moves, so this holds on Cloudflare too.
    pub latency_ms: Spread,
}

/// Answer of `GET /v1/apps/{slug}/metrics/hmr`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HmrMetrics {
    /// The last hour.
    pub hour: HmrWindow,
    /// The last 24 hours.
    pub day: HmrWindow,
}
