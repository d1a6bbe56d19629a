//! `hotplate deploy`: asks for a deployment and follows it to its end.

use crate::api::Api;
use crate::failure::Failure;
use crate::output::Output;
use hotplate_protocol::{Deployment, DeploymentState};
use std::time::Duration;

/// Between looks at a deployment whose event stream ended early.
const POLL: Duration = Duration::from_millis(200);

/// Deploys the app's working tree.
pub(crate) async fn run(
    api: &Api,
    app: &str,
    message: Option<String>,
    output: Output,
) -> Result<(), Failure> {
    let mut deployment = api.deploy(app, message).await?;
    output.deployment_started(&deployment);
    if !is_final(deployment.state) {
        // Progress is for people to read; how it ends is asked for below.
        let _ = api
            .events(app, &deployment.id, |event| output.deployment_event(event))
            .await;
        deployment = end_of(api, app, &deployment.id).await?;
    }
    output.deployment(&deployment);
    match deployment.state {
        DeploymentState::Deployed => Ok(()),
        state => Err(Failure::NotDeployed {
            state: state.as_str(),
            reason: deployment
                .error
                .map(|error| format!("{} ({})", error.message, error.code)),
        }),
    }
}

async fn end_of(api: &Api, app: &str, id: &str) -> Result<Deployment, Failure> {
    loop {
        let deployment = api.deployment(app, id).await?;
        if is_final(deployment.state) {
            return Ok(deployment);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_final(state: DeploymentState) -> bool {
    match state {
        DeploymentState::Pending | DeploymentState::Building | DeploymentState::Deploying => false,
        DeploymentState::Deployed
        | DeploymentState::Failed
        | DeploymentState::Superseded
        | DeploymentState::Cancelled => true,
    }
}
