//! What viewers report: console lines and errors go to editors and into the app's log, applied updates
//! to editors and into the counts.

use super::{Room, now, storage::Meta, viewers::ViewerSocket};
use crate::{config, problem::ApiError};
use hotplate_domain::{limits, metrics};
use hotplate_protocol::{
    ApplyOutcome, ConsoleLevel, ConsoleLine, EditorMessage, HmrMetrics, LogEntry, LogList,
    RuntimeErrorReport,
};
use worker::{AnalyticsEngineDataPointBuilder, Result, console_error};

impl Room {
    /// A console line of a viewer.
    pub(super) fn console(
        &self,
        viewer: &mut ViewerSocket,
        level: ConsoleLevel,
        args: &[String],
    ) -> Result<()> {
        let Some(dropped) = self.take_report(viewer) else {
            return Ok(());
        };
        let line = ConsoleLine {
            id: self.next_log()?,
            at: now(),
            viewer: viewer.id.clone(),
            level,
            args: self.trace_arguments(args)?,
            dropped,
        };
        self.log(LogEntry::Console(line))
    }

    /// An error of a viewer; the report as it was kept, unless it was over the viewer's rate.
    pub(super) fn runtime_error(
        &self,
        viewer: &mut ViewerSocket,
        message: &str,
        stack: &str,
        component_stack: &str,
    ) -> Result<Option<RuntimeErrorReport>> {
        let Some(dropped) = self.take_report(viewer) else {
            return Ok(None);
        };
        let traced = self.trace_error(message, stack, component_stack)?;
        let report = RuntimeErrorReport {
            id: self.next_log()?,
            at: now(),
            viewer: viewer.id.clone(),
            diagnostic: traced.diagnostic,
            stack: traced.stack,
            component_stack: traced.component_stack,
            dropped,
        };
        self.log(LogEntry::RuntimeError(report.clone()))?;
        Ok(Some(report))
    }

    /// Whether one more report is taken: how many were dropped before it. `None` drops this one.
    fn take_report(&self, viewer: &mut ViewerSocket) -> Option<u32> {
        let at = now();
        let own = limits::VIEWER_REPORTS.take(viewer.reports, at);
        let room = limits::ROOM_REPORTS.take(self.reports.get(), at);
        let Some((own, room)) = own.zip(room) else {
            viewer.dropped = viewer.dropped.saturating_add(1);
            return None;
        };
        viewer.reports = own;
        self.reports.set(room);
        Some(std::mem::take(&mut viewer.dropped))
    }

    fn next_log(&self) -> Result<u64> {
        let last = match self.last_log.get() {
            Some(last) => last,
            None => self.storage.last_log()?,
        };
        self.last_log.set(Some(last + 1));
        Ok(last + 1)
    }

    fn log(&self, entry: LogEntry) -> Result<()> {
        self.storage.add_log(&entry)?;
        self.tell_editors(&match entry {
            LogEntry::Console(line) => EditorMessage::Console(line),
            LogEntry::RuntimeError(report) => EditorMessage::RuntimeError(report),
        });
        Ok(())
    }

    /// A viewer applied an update, or failed to.
    pub(super) fn applied(
        &self,
        viewer: &ViewerSocket,
        seq: u64,
        ms: f64,
        outcome: ApplyOutcome,
    ) -> Result<()> {
        let at = now();
        // A viewer that came after the edit got the update by replay, at a time that says nothing.
        let edited = self.storage.update_at(seq)?;
        let latency_ms = edited
            .filter(|edited| viewer.connected_at <= *edited)
            .map(|edited| at.saturating_sub(edited));
        if metrics::is_counted(&viewer.id, self.crowd()) {
            self.storage
                .count(at, |minute| minute.applied(outcome, ms, latency_ms))?;
            self.write_point("applied", Some(outcome), &[ms, as_f64(latency_ms)]);
        }
        self.tell_editors(&EditorMessage::Applied {
            viewer: viewer.id.clone(),
            seq,
            ms,
            outcome,
            latency_ms,
        });
        Ok(())
    }

    /// An edit made an update and handed it on.
    pub(super) fn updated(&self, compile_ms: f64, broadcast_ms: f64, viewers: u32) {
        let counted = self
            .storage
            .count(now(), |minute| minute.update(compile_ms, broadcast_ms));
        // A count that is missing is no reason to refuse an edit.
        if let Err(error) = counted {
            console_error!("an update was not counted: {error}");
        }
        let point = [compile_ms, broadcast_ms, f64::from(viewers)];
        self.write_point("updated", None, &point);
    }

    /// How updates went.
    pub(super) fn hmr_metrics(&self) -> Result<HmrMetrics> {
        let at = now();
        Ok(metrics::summary(&self.storage.minutes(at)?, at))
    }

    /// The log, newest first.
    pub(super) fn logs(
        &self,
        cursor: Option<u64>,
        limit: Option<u32>,
        level: Option<ConsoleLevel>,
    ) -> Result<LogList, ApiError> {
        let limit = u64::from(limit.unwrap_or(limits::PAGE_DEFAULT));
        let level = level.unwrap_or(ConsoleLevel::Debug);
        let logs = self
            .storage
            .logs(cursor.unwrap_or(u64::MAX), level, limit)?;
        let full = logs.len() as u64 == limit;
        let last = logs.last().map(LogEntry::id);
        Ok(LogList {
            cursor: last.filter(|_| full).map(|id| id.to_string()),
            logs,
        })
    }

    /// A data point where a dataset is bound: app; what happened and its outcome; numbers. An update is at
    /// most one point of its invocation, a report too; the platform takes 25.
    fn write_point(&self, what: &str, outcome: Option<ApplyOutcome>, numbers: &[f64]) {
        let Some(dataset) = config::updates_dataset(&self.env) else {
            return;
        };
        let app = self.storage.meta(Meta::App);
        let app = app.ok().flatten().unwrap_or_default();
        let outcome = match outcome {
            Some(ApplyOutcome::Hot) => "hot",
            Some(ApplyOutcome::Reload) => "reload",
            Some(ApplyOutcome::Failed) => "failed",
            None => "",
        };
        let point = AnalyticsEngineDataPointBuilder::new()
            .indexes([app.as_str()])
            .add_blob(what)
            .add_blob(outcome)
            .doubles(numbers.iter().copied())
            .build();
        if let Err(error) = dataset.write_data_point(&point) {
            console_error!("a data point was not written: {error}");
        }
    }
}

/// Absent as -1: a data point has numbers alone.
#[expect(
    clippy::cast_precision_loss,
    reason = "durations stay far below 2^53 ms"
)]
fn as_f64(ms: Option<u64>) -> f64 {
    ms.map_or(-1.0, |ms| ms as f64)
}
