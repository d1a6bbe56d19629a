//! The queue's consumer: which deployment a message stands for, and what is left to do about it afterwards.
//!
//! An app has one build at a time: whoever ends one sends the message of the app's next. What gets lost all the same
//! is the sweep's. How one deployment is carried stands in `carrier`.

mod carrier;

use crate::{
    config,
    problem::ApiError,
    rooms::Room,
    store::{DeploymentRow, Store},
};
use carrier::attempt;
use hotplate_domain::{Urls, deployment::is_final, limits};
use hotplate_protocol::{DeploymentState, QueuedDeployment, RoomMessage};
use worker::{
    Date, Env, MessageBatch, MessageExt, QueueRetryOptionsBuilder, Result, console_error,
    console_warn,
};

/// What is left to do about a message.
enum After {
    /// Nothing.
    Done,
    /// Deliver it again after so long.
    Again(u64),
}

/// Works through a batch.
pub(crate) async fn consume(batch: MessageBatch<QueuedDeployment>, env: &Env) -> Result<()> {
    for message in batch.messages()? {
        let after = work(&message.body().deployment_id, env).await;
        let after = after.unwrap_or_else(|error| {
            console_error!("deployment {}: {error}", message.body().deployment_id);
            After::Again(limits::RETRY_MS)
        });
        match after {
            After::Done => message.ack(),
            After::Again(wait_ms) => {
                let seconds = u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(60);
                let later = QueueRetryOptionsBuilder::new()
                    .with_delay_seconds(seconds)
                    .build();
                message.retry_with_options(&later);
            }
        }
    }
    Ok(())
}

/// Carries a deployment to its end, or as far as this attempt gets.
async fn work(id: &str, env: &Env) -> std::result::Result<After, ApiError> {
    for _ in 0..CHOICES {
        let store = Store::open(env)?;
        let Some(row) = choose(id, &store).await? else {
            return Ok(After::Done);
        };
        // Another consumer may have chosen the same one. It has that one then, and the message stands for another.
        if let Some(after) = attempt(row, store, env).await? {
            return Ok(after);
        }
    }
    Ok(After::Again(limits::RETRY_MS))
}

/// How often a message chooses before it waits: each time it loses, another consumer has found work.
const CHOICES: u32 = 20;

/// The deployment that a message stands for: the one it names when that lost its consumer, otherwise the one whose turn
/// it is. Apps take turns, however many messages one of them has in the queue, so the one that is named may be in
/// another consumer's hands by now, and one of those that wait has no other message than this.
async fn choose(id: &str, store: &Store) -> std::result::Result<Option<DeploymentRow>, ApiError> {
    let now = Date::now().as_millis();
    let named = store.deployment(id).await?.filter(|row| {
        let waits = row.state == DeploymentState::Pending;
        // In living hands: should they die, the sweep finds the lease that ran out.
        !waits && !is_final(row.state) && row.lease_until <= now
    });
    match named {
        Some(row) => Ok(Some(row)),
        None => match store.next_in_turn(now).await? {
            Some(next) => Ok(store.deployment(&next).await?),
            None => Ok(None),
        },
    }
}

/// Sends the message of the app's next deployment, which gave way to the one that ended now.
pub(crate) async fn hand_on(store: &Store, app_id: &str, env: &Env) {
    let next = async {
        let now = Date::now().as_millis();
        match store.next_deployment(app_id, now).await? {
            Some(deployment_id) => {
                let message = QueuedDeployment { deployment_id };
                config::deployments(env)?.send(message).await
            }
            None => Ok(()),
        }
    };
    if let Err(error) = next.await {
        console_error!("the next deployment of {app_id} waits for the sweep: {error}");
    }
}

/// Tells the sockets of a deployment's room where it stands; that they cannot be told stops nothing.
pub(crate) async fn notify(store: &Store, id: &str, urls: &Urls, env: &Env) {
    let told = async {
        if let Some(row) = store.deployment(id).await? {
            let room = Room::of(env, &row.app)?;
            let deployment = Box::new(row.into_deployment(urls)?);
            room.notify(&RoomMessage::Deployment { deployment }).await;
        }
        Ok::<_, ApiError>(())
    };
    if let Err(error) = told.await {
        console_warn!("nobody was told of deployment {id}: {error}");
    }
}
