//! Exceptions of apps' Workers: written into the deployment's events, where the owner reads them.
//! Visitors are told no more than that there was one.

use crate::store::Store;
use hotplate_domain::limits;
use std::{cell::RefCell, collections::HashMap};
use worker::{Date, Env, console_error};

thread_local! {
    /// When each deployment's last exception was written down.
    static TOLD: RefCell<HashMap<String, u64>> = RefCell::new(HashMap::new());
}

/// Writes an exception down, unless one of that deployment was written down a moment ago: a broken
/// app under load must not become a load on D1.
pub(super) async fn tell_owner(env: &Env, id: &str, message: &str) {
    let now = Date::now().as_millis();
    if !is_due(id, now) {
        return;
    }
    let short: String = message.chars().take(limits::APP_ERROR_CHARS).collect();
    let line = format!("the app's Worker threw: {short}");
    let written = async { Store::open(env)?.log(id, &[(now, line)]).await };
    if let Err(error) = written.await {
        console_error!("the exception of {id} was not written down: {error}");
    }
}

fn is_due(id: &str, now: u64) -> bool {
    TOLD.with_borrow_mut(|told| {
        let recent = |at: &u64| now.saturating_sub(*at) < limits::APP_ERROR_MS;
        if told.get(id).is_some_and(recent) {
            return false;
        }
        told.retain(|_, at| recent(at));
        told.insert(id.to_owned(), now);
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_in_a_while_for_each_deployment() {
        assert!(is_due("a", 0));
        assert!(!is_due("a", limits::APP_ERROR_MS - 1));
        assert!(is_due("b", 1));
        assert!(is_due("a", limits::APP_ERROR_MS));
    }
}
