//! Which modules stand together in one chunk: those that are needed in the same cases.
//!
//! The cases are the page itself and each module that is imported dynamically. What is there already
//! whenever a dynamic import can be asked for is not loaded for it again, as in Rollup. Nothing is
//! written here.

use crate::native::graph::Graph;
use fixedbitset::FixedBitSet;
use hotplate_compiler::ImportKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Modules that are loaded together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    /// In the order they execute; never empty.
    pub(super) modules: Vec<&'a str>,
}

/// The chunks of a release.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunks<'a> {
    /// What the page starts with. Everything else is asked for by what it runs, so nothing of it is shared.
    pub(super) page: Chunk<'a>,
    /// The others.
    pub(super) others: Vec<Chunk<'a>>,
    /// Which of the others an `import()` of a module needs, in the order of their sheets. A module that the
    /// page has needs none and is not here.
    pub(super) dynamic: BTreeMap<&'a str, Vec<usize>>,
}

/// One case in which modules are needed.
struct Case {
    /// What it imports statically, itself included.
    reach: FixedBitSet,
    /// What is there whenever it comes up.
    loaded: FixedBitSet,
    /// Other cases that can bring it up.
    hosts: BTreeSet<usize>,
}

impl<'a> Chunks<'a> {
    /// Divides the modules of `order`, which is the execution order from `roots`.
    pub(super) fn of(graph: &'a Graph, order: &'a [String], roots: &[String]) -> Self {
        let places: HashMap<&str, usize> = order
            .iter()
            .enumerate()
            .map(|(place, id)| (id.as_str(), place))
            .collect();
        let (targets, mut cases) = cases(graph, order, &places, roots);
        settle(&mut cases);
        let mut needed: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
        for (number, case) in cases.iter().enumerate() {
            for place in case.reach.difference(&case.loaded) {
                if let Some(cases) = needed.get_mut(place) {
                    cases.push(number);
                }
            }
        }
        let mut groups: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
        for (id, cases) in order.iter().zip(needed) {
            groups.entry(cases).or_default().push(id);
        }
        let page = groups.remove(&vec![PAGE]).unwrap_or_default();
        let mut groups: Vec<(Vec<usize>, Vec<&str>)> = groups.into_iter().collect();
        // A sheet that another case needs too stands before those of the module that asks for it.
        groups.sort_by_key(|(_, modules)| modules.last().and_then(|id| places.get(id)));
        let mut dynamic: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (chunk, (cases, _)) in groups.iter().enumerate() {
            let asked = cases.iter().filter_map(|case| targets.get(*case));
            for target in asked.filter_map(|place| order.get(*place)) {
                dynamic.entry(target).or_default().push(chunk);
            }
        }
        Self {
            page: Chunk { modules: page },
            others: groups
                .into_iter()
                .map(|(_, modules)| Chunk { modules })
                .collect(),
            dynamic,
        }
    }
}

/// The number of the page's own case.
const PAGE: usize = 0;

/// The places of the modules that begin the cases (none begins the page's), and the cases.
fn cases(
    graph: &Graph,
    order: &[String],
    places: &HashMap<&str, usize>,
    roots: &[String],
) -> (Vec<usize>, Vec<Case>) {
    let place_of = |id: &str| places.get(id).copied();
    let links = |place: usize, dynamic: bool| {
        let module = order.get(place).and_then(|id| graph.modules.get(id));
        module
            .into_iter()
            .flat_map(|module| module.links.iter())
            .filter(move |link| (link.kind == ImportKind::Dynamic) == dynamic)
            .filter_map(|link| place_of(&link.id))
    };
    let mut importers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in 0..order.len() {
        for target in links(place, true) {
            importers.entry(target).or_default().push(place);
        }
    }
    let begin = std::iter::once(roots.iter().filter_map(|id| place_of(id)).collect())
        .chain(importers.keys().map(|target| vec![*target]));
    let mut cases: Vec<Case> = begin
        .map(|mut stack: Vec<usize>| {
            let mut reach = FixedBitSet::with_capacity(order.len());
            while let Some(place) = stack.pop() {
                if !reach.put(place) {
                    stack.extend(links(place, false));
                }
            }
            Case {
                reach,
                loaded: FixedBitSet::with_capacity(order.len()),
                hosts: BTreeSet::new(),
            }
        })
        .collect();
    for (index, importers) in importers.values().enumerate() {
        let hosts = (0..cases.len())
            .filter(|host| {
                cases.get(*host).is_some_and(|host| {
                    importers
                        .iter()
                        .any(|importer| host.reach.contains(*importer))
                })
            })
            .collect();
        if let Some(case) = cases.get_mut(index + 1) {
            case.hosts = hosts;
            // All of it, until a host is found that lacks some.
            case.loaded.insert_range(..);
        }
    }
    // The page's case is not begun by a module of its own.
    let targets = std::iter::once(usize::MAX).chain(importers.into_keys());
    (targets.collect(), cases)
}

/// Works out what is there in each case: what every host has, until nothing changes.
fn settle(cases: &mut [Case]) {
    let mut changed = true;
    while changed {
        changed = false;
        for number in 1..cases.len() {
            let Some(hosts) = cases.get(number).map(|case| case.hosts.clone()) else {
                continue;
            };
            for host in hosts {
                let Some(has) = cases.get(host).map(|host| {
                    let mut has = host.reach.clone();
                    has.union_with(&host.loaded);
                    has
                }) else {
                    continue;
                };
                if let Some(case) = cases.get_mut(number)
                    && !case.loaded.is_subset(&has)
                {
                    case.loaded.intersect_with(&has);
                    changed = true;
                }
            }
        }
    }
}
