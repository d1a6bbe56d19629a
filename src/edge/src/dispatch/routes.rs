//! Which script a host means, remembered for a moment: most requests of an app come in bursts, and
//! each would ask D1 the same question.
//!
//! Per isolate and for [`limits::ROUTE_MS`] at most, so that a switch shows everywhere soon after it
//! is answered; the isolate that makes it forgets at once.

use hotplate_domain::limits;
use std::{cell::RefCell, collections::HashMap};

/// What a host's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// No such app.
    NoApp,
    /// The app has no active deployment yet.
    NothingDeployed,
    /// No such deployment of that app, or one that was never deployed; its state, if any.
    NotDeployed(Option<&'static str>),
    /// Retention removed it.
    Gone,
    /// A deployment's id.
    Deployment(String),
}

/// `app`, or `app` and a deployment.
type Key = (String, Option<String>);

thread_local! {
    static KNOWN: RefCell<HashMap<Key, (u64, Target)>> = RefCell::new(HashMap::new());
    /// Hosts that apps brought along, with the app's slug.
    static HOSTS: RefCell<HashMap<String, (u64, String)>> = RefCell::new(HashMap::new());
}

/// The app that a host of its own was found to show.
pub(super) fn recall_host(host: &str, now: u64) -> Option<String> {
    HOSTS.with_borrow(|known| {
        let (at, app) = known.get(host)?;
        (now.saturating_sub(*at) < limits::ROUTE_MS).then(|| app.clone())
    })
}

/// Remembers the app that a host of its own was found to show by a look-up that began at `now`.
pub(super) fn remember_host(host: &str, app: &str, now: u64) {
    HOSTS.with_borrow_mut(|known| {
        if known.len() >= limits::ROUTES {
            known.retain(|_, (at, _)| now.saturating_sub(*at) < limits::ROUTE_MS);
        }
        if known.len() < limits::ROUTES {
            known.insert(host.to_owned(), (now, app.to_owned()));
        }
    });
}

/// What is known of a host at `now`.
pub(super) fn recall(app: &str, id: Option<&str>, now: u64) -> Option<Target> {
    let key = (app.to_owned(), id.map(str::to_owned));
    KNOWN.with_borrow(|known| {
        let (at, target) = known.get(&key)?;
        (now.saturating_sub(*at) < limits::ROUTE_MS).then(|| target.clone())
    })
}

/// Remembers what a host was found to mean by a look-up that began at `now`.
pub(super) fn remember(app: &str, id: Option<&str>, target: &Target, now: u64) {
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= limits::ROUTES {
            known.retain(|_, (at, _)| now.saturating_sub(*at) < limits::ROUTE_MS);
        }
        if known.len() < limits::ROUTES {
            let key = (app.to_owned(), id.map(str::to_owned));
            known.insert(key, (now, target.clone()));
        }
    });
}

/// Forgets an app's hosts: something about it changed here.
pub(crate) fn forget(app: &str) {
    KNOWN.with_borrow_mut(|known| known.retain(|(known_app, _), _| known_app != app));
    HOSTS.with_borrow_mut(|known| known.retain(|_, (_, known_app)| known_app != app));
}

/// Forgets what a host shows: it is another app's now, or nobody's.
pub(crate) fn forget_host(host: &str) {
    HOSTS.with_borrow_mut(|known| known.remove(host));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_for_a_moment() {
        let target = Target::Deployment("d1".to_owned());
        remember("a", None, &target, 1_000);
        remember("a", Some("d1"), &Target::Gone, 1_000);
        remember("b", None, &Target::NoApp, 1_000);
        let last = 1_000 + limits::ROUTE_MS - 1;
        assert_eq!(recall("a", None, last), Some(target));
        assert_eq!(recall("a", Some("d1"), last), Some(Target::Gone));
        assert_eq!(recall("a", None, last + 1), None);
        forget("a");
        assert_eq!(recall("a", None, 1_000), None);
        assert_eq!(recall("a", Some("d1"), 1_000), None);
        assert_eq!(recall("b", None, 1_000), Some(Target::NoApp));
    }

    #[test]
    fn a_host_is_known_for_a_moment() {
        remember_host("shop.example", "a", 1_000);
        assert_eq!(recall_host("shop.example", 1_000), Some("a".to_owned()));
        let later = 1_000 + limits::ROUTE_MS;
        assert_eq!(recall_host("shop.example", later), None);
        forget("a");
        assert_eq!(recall_host("shop.example", 1_000), None);
    }

    #[test]
    fn so_many_are_known_at_most() {
        for index in 0..=limits::ROUTES {
            remember(&format!("app-{index}"), None, &Target::NoApp, 5_000);
        }
        assert!(KNOWN.with_borrow(HashMap::len) <= limits::ROUTES);
        let later = 5_000 + limits::ROUTE_MS;
        remember("new", None, &Target::NoApp, later);
        assert_eq!(recall("new", None, later), Some(Target::NoApp));
    }
}
