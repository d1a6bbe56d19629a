//! What the service counts, in the form that Prometheus reads (`OpenMetrics` text).
//!
//! Labels have few values, all of them ours: no app, path or address is among them, so that what is kept stays small
//! and `/metrics` tells nobody who the tenants are. Names follow Prometheus's: <https://prometheus.io/docs/practices/naming/>.

use hotplate_cloudflare_api::Call;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// The media type of [`Metrics::text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the times, in seconds: from what a cached stage takes to what an installation takes.
const SECONDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// What a build does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BuildStage {
    /// Waits for other builds.
    Waiting,
    /// Fetches the files that are not here yet.
    Contents,
    /// Compiles the app's modules and finds what it needs of npm.
    Survey,
    /// Installs that.
    Packages,
    /// Links the release, and the server beside it.
    Link,
    /// Brings script and files to the namespace.
    Upload,
}

impl BuildStage {
    /// As spans name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Contents => "contents",
            Self::Survey => "survey",
            Self::Packages => "packages",
            Self::Link => "link",
            Self::Upload => "upload",
        }
    }
}

/// How a build ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildEnd {
    /// `uploaded`, or the stable code of its failure.
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: &'static str,
}

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct From {
    from: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiCall {
    method: String,
    /// `none` when no answer came.
    status: String,
}

/// Everything that is counted. Cheap to count with, from any thread.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    waiting: Gauge,
    running: Gauge,
    builds: Family<BuildEnd, Counter>,
    stages: Family<OfStage, Histogram, fn() -> Histogram>,
    vendor_chunks: Family<From, Counter>,
    contents: Family<From, Counter>,
    api_calls: Family<ApiCall, Counter>,
    api_seconds: Histogram,
}

/// How often a compiled module was asked for, by where it was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct ArtifactCounts {
    /// Compiled a moment ago, or read before.
    pub(crate) memory: Counter,
    /// Compiled by an earlier build.
    pub(crate) disk: Counter,
    /// Not known: the compiler was asked.
    pub(crate) compiler: Counter,
}

fn times() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    /// Nothing counted yet. `artifacts` are counted by their store.
    pub(crate) fn new(artifacts: &ArtifactCounts) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process));
        let hotplate = registry.sub_registry_with_prefix("hotplate");
        hotplate.register_collector(Box::new(ArtifactCollector(artifacts.clone())));
        let metrics = Self {
            waiting: Gauge::default(),
            running: Gauge::default(),
            builds: Family::default(),
            stages: Family::new_with_constructor(times),
            vendor_chunks: Family::default(),
            contents: Family::default(),
            api_calls: Family::default(),
            api_seconds: times(),
            registry: Registry::default(),
        };
        hotplate.register(
            "builds_waiting",
            "Builds that wait for others",
            metrics.waiting.clone(),
        );
        hotplate.register("builds_running", "Builds at work", metrics.running.clone());
        hotplate.register(
            "builds",
            "Builds that ended, by how: uploaded, or the code of the failure",
            metrics.builds.clone(),
        );
        hotplate.register_with_unit(
            "build_stage",
            "How long the stages of builds took",
            Unit::Seconds,
            metrics.stages.clone(),
        );
        hotplate.register(
            "vendor_chunks",
            "Vendor chunks asked for, by where they came from",
            metrics.vendor_chunks.clone(),
        );
        hotplate.register(
            "contents",
            "Files of builds, by where their bytes came from",
            metrics.contents.clone(),
        );
        hotplate.register(
            "api_calls",
            "Calls of the Cloudflare API, each attempt counted",
            metrics.api_calls.clone(),
        );
        hotplate.register_with_unit(
            "api_call",
            "How long calls of the Cloudflare API took",
            Unit::Seconds,
            metrics.api_seconds.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    /// A build waits, as long as the answer is kept.
    pub(crate) fn build_waits(&self) -> Counted {
        Counted::of(&self.waiting)
    }

    /// A build is at work, as long as the answer is kept.
    pub(crate) fn build_runs(&self) -> Counted {
        Counted::of(&self.running)
    }

    /// A build ended: `uploaded`, or the code of its failure.
    pub(crate) fn build_ended(&self, outcome: &str) {
        let outcome = outcome.to_owned();
        self.builds.get_or_create(&BuildEnd { outcome }).inc();
    }

    /// A stage of a build took so long.
    pub(crate) fn stage_took(&self, stage: BuildStage, took: Duration) {
        self.stages
            .get_or_create(&OfStage {
                stage: stage.as_str(),
            })
            .observe(took.as_secs_f64());
    }

    /// A vendor chunk was kept (`disk`), made (`linked`) or could not be made (`failed`).
    pub(crate) fn vendor_chunk(&self, from: &'static str) {
        self.vendor_chunks.get_or_create(&From { from }).inc();
    }

    /// So many files of a build were here, so many were fetched from the Worker.
    pub(crate) fn contents(&self, here: usize, fetched: usize) {
        for (from, count) in [("disk", here), ("worker", fetched)] {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.contents.get_or_create(&From { from }).inc_by(count);
        }
    }

    /// The Cloudflare API was called.
    pub(crate) fn api_call(&self, call: &Call<'_>) {
        let status = call
            .status
            .map_or_else(|| "none".to_owned(), |status| status.to_string());
        let method = call.method.to_owned();
        self.api_calls
            .get_or_create(&ApiCall { method, status })
            .inc();
        self.api_seconds.observe(call.elapsed.as_secs_f64());
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// One more in a gauge until it is dropped: also when a build panics or is given up.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts of the artifact store, which knows no labels.
#[derive(Debug)]
struct ArtifactCollector(ArtifactCounts);

impl Collector for ArtifactCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let family = Family::<From, Counter>::default();
        let ArtifactCounts {
            memory,
            disk,
            compiler,
        } = &self.0;
        for (from, counter) in [("memory", memory), ("disk", disk), ("compiler", compiler)] {
            family.get_or_create(&From { from }).inc_by(counter.get());
        }
        let help = "Compiled modules asked for, by where they came from";
        let metric = encoder.encode_descriptor("artifacts", help, None, family.metric_type())?;
        family.encode(metric)
    }
}

/// The process's own memory, under the name that Prometheus's clients agreed on.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(bytes) = resident_bytes() else {
            return Ok(());
        };
        let gauge = ConstGauge::new(bytes);
        let metric = encoder.encode_descriptor(
            "process_resident_memory",
            "Resident memory",
            Some(&Unit::Bytes),
            gauge.metric_type(),
        )?;
        gauge.encode(metric)
    }
}

/// Linux alone says it in a file (proc(5), `/proc/pid/status`, `VmRSS` in kB).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let artifacts = ArtifactCounts::default();
        let metrics = Metrics::new(&artifacts);
        artifacts.compiler.inc_by(3);
        metrics.build_ended("uploaded");
        metrics.stage_took(BuildStage::Link, Duration::from_millis(30));
        metrics.contents(5, 2);
        let call = Call {
            method: "PUT",
            path: "/secret/of/somebody",
            status: Some(429),
            elapsed: Duration::from_millis(7),
        };
        metrics.api_call(&call);
        let running = metrics.build_runs();
        let text = metrics.text().unwrap();
        for line in [
            "hotplate_builds_total{outcome=\"uploaded\"} 1",
            "hotplate_builds_running 1",
            "hotplate_builds_waiting 0",
            "hotplate_build_stage_seconds_count{stage=\"link\"} 1",
            "hotplate_artifacts_total{from=\"compiler\"} 3",
            "hotplate_contents_total{from=\"worker\"} 2",
            "hotplate_api_calls_total{method=\"PUT\",status=\"429\"} 1",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(text.contains("process_resident_memory_bytes "), "{text}");
        assert!(!text.contains("somebody"), "{text}");
        drop(running);
        assert!(
            metrics
                .text()
                .unwrap()
                .contains("hotplate_builds_running 0")
        );
    }
}
