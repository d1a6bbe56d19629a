//! Log lines and traces: how what `tracing` is told leaves the process.
//!
//! Lines go to standard error. With an OTLP endpoint configured, spans go there as well, by OpenTelemetry's own
//! exporter, which reads the variables of its specification itself
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>). What is counted is in `metrics`.

use crate::config::{Config, LogFormat, OtlpProtocol};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// `service.name` of the spans, unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE_NAME: &str = "hotplate-build-service";
/// How long a batch of spans may be under way.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The exporter does not take what its variables say.
    #[error("spans cannot be exported: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The exporter's connections.
    #[error("spans cannot be exported: {0}")]
    Http(#[from] reqwest::Error),
    /// Somebody else listens to `tracing` already.
    #[error("log lines cannot be written: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
}

/// Telemetry at work. What is not exported yet is lost unless [`Telemetry::end`] is waited for.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Begins to write lines and, when that is configured, to export spans. Belongs in a Tokio runtime.
    pub fn start(config: &Config) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let provider = config.otlp.map(exporting).transpose()?;
        let spans = provider
            .as_ref()
            .map(|provider| tracing_opentelemetry::layer().with_tracer(tracer(provider)));
        tracing_subscriber::registry()
            .with(filter)
            .with(lines(config.log_format))
            .with(spans)
            .try_init()?;
        Ok(Self(provider))
    }

    /// Exports what is left.
    pub async fn end(self) {
        let Some(provider) = self.0 else { return };
        // The provider waits for its own thread, which in turn needs this runtime.
        let ended =
            tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(EXPORT_TIMEOUT));
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer(SERVICE_NAME)
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Compact => layer.compact().boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    }
}

fn exporting(protocol: OtlpProtocol) -> Result<SdkTracerProvider, TelemetryError> {
    let http = Http {
        client: reqwest::Client::builder().timeout(EXPORT_TIMEOUT).build()?,
        runtime: Handle::current(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(http)
        .with_protocol(match protocol {
            OtlpProtocol::Protobuf => Protocol::HttpBinary,
            OtlpProtocol::Json => Protocol::HttpJson,
        })
        .build()?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(SERVICE_NAME);
    }
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build())
}

/// The exporter works on a thread without a runtime; its requests are made on ours.
#[derive(Debug)]
struct Http {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let mut response = client.execute(request.try_into()?).await?;
            let headers = std::mem::take(response.headers_mut());
            let mut answer = Response::builder().status(response.status());
            if let Some(all) = answer.headers_mut() {
                *all = headers;
            }
            Ok::<_, HttpError>(answer.body(response.bytes().await?)?)
        });
        sent.await?
    }
}
