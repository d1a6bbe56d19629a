//! Custom hostnames: what the Worker asks for, done by the zone's API.
//!
//! Without a zone the hosts are somebody else's business (a proxy before the Worker, say), and nothing stands in
//! their way here.

use crate::builds::Service;
use hotplate_cloudflare_api::{Call, Error};
use hotplate_protocol::{HostnameAction, HostnameAnswer, HostnameRequest};
use std::sync::Arc;

impl Service {
    /// Makes a custom hostname, or removes it; says how far it is.
    pub(crate) async fn hostname(
        self: &Arc<Self>,
        request: &HostnameRequest,
    ) -> Result<HostnameAnswer, Error> {
        let answer = |active, problem| HostnameAnswer { active, problem };
        let Some(zone) = &self.zone else {
            return Ok(answer(request.action == HostnameAction::Ensure, None));
        };
        let service = Arc::clone(self);
        let count = move |call: Call<'_>| service.metrics.api_call(&call);
        let cloudflare = self.cloudflare.observed(count);
        let zone = cloudflare.zone(zone);
        match request.action {
            HostnameAction::Ensure => {
                let found = zone.ensure(&request.host).await?;
                let active = found.is_active();
                let problem = (!active).then(|| found.problem());
                Ok(answer(active, problem))
            }
            HostnameAction::Remove => {
                zone.remove(&request.host).await?;
                Ok(answer(false, None))
            }
        }
    }
}
