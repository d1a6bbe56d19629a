//! `@import … layer() supports() media`: sheets that apply under conditions of whoever imports them.
//!
//! A sheet under conditions is a module of its own. The importer's specifier gets the query `import=`, which
//! lists the conditions on the way from the outermost sheet; whoever compiles that module puts its rules
//! inside them. So linkers, vendor chunks and updates treat it like any other module.

use lightningcss::printer::PrinterOptions;
use lightningcss::rules::import::ImportRule;
use lightningcss::rules::layer::LayerBlockRule;
use lightningcss::rules::media::MediaRule;
use lightningcss::rules::supports::SupportsRule;
use lightningcss::rules::{CssRule, CssRuleList};
use lightningcss::stylesheet::{ParserOptions, StyleSheet};
use lightningcss::traits::ToCss;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::path_hash;
use crate::module_id::ModuleId;

/// What stands for itself in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'(')
    .remove(b')');

/// Conditions from the outermost to the innermost.
#[derive(Debug, Clone, Default)]
pub(super) struct Conditions(Vec<Step>);

/// One `@import` under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Names the sheet that has the `@import`.
    sheet: String,
    /// The condition as an `@import` of nothing, to be read by the parser: `@import "" layer(base) screen;`.
    statement: String,
}

impl Step {
    fn new(sheet: &str, condition: &str) -> Self {
        Self {
            sheet: sheet.to_owned(),
            statement: format!("{NOTHING} {condition};"),
        }
    }

    fn condition(&self) -> &str {
        let text = self.statement.strip_prefix(NOTHING).unwrap_or_default();
        text.trim_end_matches(';').trim()
    }

    /// The condition, parsed.
    fn rule(&self) -> Option<ImportRule<'_>> {
        let sheet = StyleSheet::parse(&self.statement, ParserOptions::default()).ok()?;
        match sheet.rules.0.into_iter().next() {
            Some(CssRule::Import(import)) => Some(import),
            _ => None,
        }
    }
}

const NOTHING: &str = "@import \"\"";

impl Conditions {
    /// Those that a module's id says; what cannot be read counts as none.
    pub(super) fn of(id: &ModuleId<'_>) -> Self {
        let text =
            percent_decode_str(id.parameter("import").unwrap_or_default()).decode_utf8_lossy();
        let steps = text.split('\n').filter_map(|line| {
            let (sheet, condition) = line.split_once(' ')?;
            let step = Step::new(sheet, condition);
            let is_known = step.rule().is_some();
            is_known.then_some(step)
        });
        Self(steps.collect())
    }

    /// Whether a sheet stands within itself: browsers apply nothing of it then.
    pub(super) fn lead_back_to(&self, path: &str) -> bool {
        let sheet = path_hash(path);
        self.0.iter().any(|step| step.sheet == sheet)
    }

    /// Those of a sheet that the sheet at `path`, which stands under these, imports.
    pub(super) fn with(&self, path: &str, condition: &str) -> Self {
        let mut all = self.clone();
        if !condition.is_empty() {
            all.0.push(Step::new(&path_hash(path), condition));
        }
        all
    }

    /// The parameter that says them; nothing when there are none.
    pub(super) fn parameter(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|step| format!("{} {}", step.sheet, step.condition()))
            .collect();
        Some(format!(
            "import={}",
            utf8_percent_encode(&lines.join("\n"), PLAIN)
        ))
    }

    /// Puts rules inside the conditions. `@import`s of other hosts stand before every block, so they take
    /// their conditions along.
    pub(super) fn wrap<'i>(&'i self, rules: CssRuleList<'i>) -> CssRuleList<'i> {
        if self.0.is_empty() {
            return rules;
        }
        let (imports, inner): (Vec<_>, Vec<_>) = rules
            .0
            .into_iter()
            .partition(|rule| matches!(rule, CssRule::Import(_)));
        let mut inner = CssRuleList(inner);
        for parts in self.0.iter().rev().filter_map(Step::rule) {
            inner = inside(parts, inner);
        }
        let mut all: Vec<CssRule<'i>> = imports
            .into_iter()
            .map(|rule| match rule {
                CssRule::Import(import) => CssRule::Import(self.around(import)),
                other => other,
            })
            .collect();
        all.extend(inner.0);
        CssRuleList(all)
    }

    /// An `@import` has room for one condition; a sheet in its URL has the inner ones.
    fn around<'i>(&'i self, mut import: ImportRule<'i>) -> ImportRule<'i> {
        for step in self.0.iter().rev() {
            let own = condition(&import);
            let url = if own.is_empty() {
                import.url
            } else {
                let text = format!("@import \"{}\" {own};", super::escape(&import.url));
                format!("data:text/css,{}", utf8_percent_encode(&text, PLAIN)).into()
            };
            let loc = import.loc;
            import = match step.rule() {
                Some(outer) => ImportRule { url, loc, ..outer },
                None => ImportRule { url, ..import },
            };
        }
        import
    }
}

/// What stands behind the URL of an `@import`.
pub(super) fn condition(import: &ImportRule<'_>) -> String {
    let nowhere = ImportRule {
        url: "".into(),
        ..import.clone()
    };
    let printed = nowhere.to_css_string(PrinterOptions::default());
    let text = printed.unwrap_or_default();
    let text = text.strip_prefix(NOTHING).unwrap_or_default();
    text.trim_end_matches(';').trim().to_owned()
}

fn inside<'i>(import: ImportRule<'i>, rules: CssRuleList<'i>) -> CssRuleList<'i> {
    let loc = import.loc;
    let mut rules = rules;
    if let Some(name) = import.layer {
        rules = one(CssRule::LayerBlock(LayerBlockRule { name, rules, loc }));
    }
    if let Some(condition) = import.supports {
        rules = one(CssRule::Supports(SupportsRule {
            condition,
            rules,
            loc,
        }));
    }
    if !import.media.media_queries.is_empty() {
        let query = import.media;
        rules = one(CssRule::Media(MediaRule { query, rules, loc }));
    }
    rules
}

fn one(rule: CssRule<'_>) -> CssRuleList<'_> {
    CssRuleList(vec![rule])
}
