//! A bound on what nested rules become for browsers that know no nesting.
//!
//! There `a, b { c, d { … } }` is written as `:is(a, b) c, :is(a, b) d`, and with every further level once more
//! for each selector: thirty short levels would be gigabytes. It counts before anything is written.

use hotplate_protocol::Diagnostic;
use lightningcss::rules::{CssRule, CssRuleList, Location};
use lightningcss::selector::{Component, Selector, SelectorList};

use crate::place::{Finding, Places};

/// Most parts of selectors (`.a`, `>`, `:hover`) in all rules together. A large app has some 100,000.
const MOST_PARTS: u64 = 4_000_000;

/// Refuses a sheet whose nested rules would become too much.
pub(super) fn check(rules: &CssRuleList<'_>, places: Places<'_>) -> Result<(), Vec<Diagnostic>> {
    let mut parts = 0;
    count(rules, 0, &mut parts).map_err(|place| {
        let (line, column) = places.locate_css(place.line, place.column);
        vec![places.diagnostic_at(
            Finding::error("css_nesting_too_large"),
            line,
            column,
            "Written without nesting, as older browsers need them, the rules around this one are too many; \
             nest lists of selectors less deeply",
        )]
    })
}

/// Adds the parts of the rules inside a rule whose selectors have `parent` parts.
fn count(rules: &CssRuleList<'_>, parent: u64, parts: &mut u64) -> Result<(), Location> {
    for rule in &rules.0 {
        let inner = match rule {
            CssRule::Style(style) => {
                let own = length(&style.selectors, parent);
                add(parts, own, style.loc)?;
                count(&style.rules, own, parts)?;
                continue;
            }
            CssRule::Nesting(nesting) => {
                let own = length(&nesting.style.selectors, parent);
                add(parts, own, nesting.loc)?;
                count(&nesting.style.rules, own, parts)?;
                continue;
            }
            // The selectors around them are written once more.
            CssRule::NestedDeclarations(rule) => {
                add(parts, parent, rule.loc)?;
                continue;
            }
            CssRule::Media(rule) => &rule.rules,
            CssRule::Supports(rule) => &rule.rules,
            CssRule::MozDocument(rule) => &rule.rules,
            CssRule::LayerBlock(rule) => &rule.rules,
            CssRule::Container(rule) => &rule.rules,
            CssRule::Scope(rule) => &rule.rules,
            CssRule::StartingStyle(rule) => &rule.rules,
            _ => continue,
        };
        count(inner, parent, parts)?;
    }
    Ok(())
}

fn add(parts: &mut u64, more: u64, place: Location) -> Result<(), Location> {
    *parts = parts.saturating_add(more);
    if *parts > MOST_PARTS {
        Err(place)
    } else {
        Ok(())
    }
}

fn length(selectors: &SelectorList<'_>, parent: u64) -> u64 {
    sum(&selectors.0, parent)
}

fn sum(selectors: &[Selector<'_>], parent: u64) -> u64 {
    let lengths = selectors.iter().map(|selector| parts_of(selector, parent));
    lengths.fold(0, u64::saturating_add)
}

fn parts_of(selector: &Selector<'_>, parent: u64) -> u64 {
    let parts = selector.iter_raw_match_order().map(|part| match part {
        Component::Nesting => parent.max(1),
        Component::Is(inner)
        | Component::Where(inner)
        | Component::Has(inner)
        | Component::Negation(inner)
        | Component::Any(_, inner) => sum(inner, parent).saturating_add(1),
        Component::Slotted(inner) | Component::Host(Some(inner)) => {
            parts_of(inner, parent).saturating_add(1)
        }
        Component::NthOf(of) => sum(of.selectors(), parent).saturating_add(1),
        _ => 1,
    });
    parts.fold(0, u64::saturating_add)
}
