//! Which of several equal services does a piece of work, so that the same work goes to the same one, where its
//! caches are warm, and only what a service that left did moves elsewhere.
//!
//! Rendezvous hashing: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998. Whether a
//! service answers is not known here.

use sha2::{Digest, Sha256};

/// The services, most preferred for `key` first.
pub fn preferred<'a>(services: &'a [String], key: &str) -> Vec<&'a str> {
    let weight = |service: &str| Sha256::digest(format!("{service}\n{key}"));
    let mut order: Vec<&str> = services.iter().map(String::as_str).collect();
    order.sort_by_cached_key(|service| std::cmp::Reverse(weight(service)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn work_is_spread() {
        let services: Vec<String> = (0..4).map(|it| format!("http://service-{it}")).collect();
        let mut first = std::collections::BTreeMap::new();
        for key in 0..400 {
            let order = preferred(&services, &format!("app-{key}"));
            *first.entry(order[0]).or_insert(0) += 1;
        }
        assert_eq!(first.len(), 4, "{first:?}");
        assert!(first.values().all(|count| *count > 50), "{first:?}");
    }

    proptest! {
        #[test]
        fn a_service_that_leaves_moves_only_its_own_work(
            names in prop::collection::btree_set("[a-z]{1,8}", 1..6),
            key in "[a-z0-9-]{1,10}",
            leaving in any::<prop::sample::Index>(),
        ) {
            let all: Vec<String> = names.into_iter().collect();
            let gone = leaving.get(&all);
            let rest: Vec<String> = all.iter().filter(|it| *it != gone).cloned().collect();
            let mut before = preferred(&all, &key);
            before.retain(|it| it != gone);
            prop_assert_eq!(before, preferred(&rest, &key));
        }
    }
}
