//! The program: configuration, telemetry, the listener, a graceful end. The work is in the library.

use hotplate_build_service::Service;
use hotplate_build_service::config::Config;
use hotplate_build_service::telemetry::Telemetry;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let served = match Telemetry::start(&config) {
        Ok(telemetry) => {
            let served = serve(&config).await;
            telemetry.end().await;
            served
        }
        Err(error) => Err(error.to_string()),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("build service cannot start: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: &Config) -> Result<(), String> {
    let service = Service::open(config).map_err(|error| error.to_string())?;
    if let Some(problem) = service.not_ready().await.first() {
        return Err(problem.to_string());
    }
    let listener = tokio::net::TcpListener::bind((config.host, config.port))
        .await
        .map_err(|error| format!("port {} cannot be used: {error}", config.port))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    println!("build service listening on http://{address}");
    let (stop, stopped) = tokio::sync::oneshot::channel();
    // From the signal on no connection is taken, so nobody takes the service for ready; builds at work go on.
    let server = axum::serve(listener, hotplate_build_service::router(service))
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: builds at work may end");
            let _ = stop.send(());
        });
    let last_builds = async {
        // An error means that the server is gone already.
        if stopped.await.is_ok() {
            tokio::time::sleep(config.stop_timeout).await;
            tracing::warn!("builds at work are cut off: the Worker has them built anew");
        }
    };
    tokio::select! {
        ended = server => ended.map_err(|error| error.to_string()),
        () = last_builds => Ok(()),
    }
}
