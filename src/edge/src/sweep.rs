//! The cron's work: deployments that nobody carries get their message again, retention retires old
//! ones, and scripts that are due leave the namespace.
//!
//! It decides nothing about a deployment's state: that is the consumer's, which this only wakes.

use crate::{
    api::maps,
    builds,
    config::{self, Config},
    dispatch, domains,
    store::Store,
};
use hotplate_domain::limits;
use hotplate_protocol::{QueuedDeployment, RemovalRequest};
use worker::{Date, Env, Result, console_error};

/// Runs every part; one that fails does not keep the others from running.
pub(crate) async fn run(env: &Env) -> Result<()> {
    let config = Config::read(env)?;
    let store = Store::open(env)?;
    let now = Date::now().as_millis();
    for (part, ended) in [
        ("putting back", put_back(&store, env, now).await),
        ("retention", retire(&store, &config, now).await),
        ("domains", domains::sweep(&config, &store, now).await),
        ("removals", remove(&store, &config, env, now).await),
    ] {
        if let Err(error) = ended {
            console_error!("sweep: {part}: {error}");
        }
    }
    Ok(())
}

async fn put_back(store: &Store, env: &Env, now: u64) -> Result<()> {
    let queue = config::deployments(env)?;
    for deployment_id in store.stale_deployments(now).await? {
        queue.send(QueuedDeployment { deployment_id }).await?;
    }
    Ok(())
}

async fn retire(store: &Store, config: &Config, now: u64) -> Result<()> {
    for found in store.retirable(config.retain_deployments).await? {
        let script = dispatch::script_name(&found.app, &found.id);
        if store.retire(&found.id, &script, now).await? {
            dispatch::forget(&found.app);
            let line = format!(
                "removed by retention, which keeps the newest {}",
                config.retain_deployments
            );
            store.log(&found.id, &[(now, line)]).await?;
        }
    }
    Ok(())
}

async fn remove(store: &Store, config: &Config, env: &Env, now: u64) -> Result<()> {
    let scripts = store.due_removals(now).await?;
    if scripts.is_empty() {
        return Ok(());
    }
    let request = RemovalRequest {
        namespace: config.namespace.clone(),
        scripts,
    };
    let mut removed = match builds::remove(config, &request).await {
        Ok(removed) => removed,
        Err(error) => {
            console_error!("sweep: {error}");
            Vec::new()
        }
    };
    for script in std::mem::take(&mut removed) {
        match maps::remove(&script, env).await {
            Ok(()) => removed.push(script),
            // It is asked for again, like one that the API did not remove.
            Err(error) => console_error!("sweep: maps of {script}: {error}"),
        }
    }
    let kept: Vec<&String> = request
        .scripts
        .iter()
        .filter(|script| !removed.contains(script))
        .collect();
    store
        .postpone_removals(&kept, now + limits::REMOVAL_RETRY_MS)
        .await?;
    store.removals_done(&removed).await
}
