//! The program: configuration, logs, the listener, a graceful end. The work is in the library.

use hotplate_build_service::Service;
use hotplate_build_service::config::{Config, LogFormat};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long requests may still run after a signal.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::read(|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(problems) => {
            for problem in problems {
                eprintln!("build service cannot start: {problem}");
            }
            return ExitCode::FAILURE;
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Compact => logs.compact().init(),
        LogFormat::Json => logs.json().init(),
    }
    match serve(&config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("build service cannot start: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: &Config) -> Result<(), String> {
    let service = Service::open(config).map_err(|error| error.to_string())?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))
        .await
        .map_err(|error| format!("port {} cannot be used: {error}", config.port))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    println!("build service listening on http://{address}");
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, hotplate_build_service::router(service))
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            let _ = stop.send(());
        });
    let last_requests = async {
        // An error means that the server is gone already.
        if stopped.await.is_ok() {
            tokio::time::sleep(LAST_REQUESTS).await;
        }
    };
    tokio::select! {
        ended = server => ended.map_err(|error| error.to_string()),
        () = last_requests => Ok(()),
    }
}
