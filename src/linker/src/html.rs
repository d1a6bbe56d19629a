//! `index.html`: which modules it starts, and what it becomes in a preview or a release.
//!
//! Parses with `lol_html`, the streaming rewriter of Cloudflare's own edge; knows nothing of modules
//! beyond their ids.

use crate::record::literal;
use hotplate_compiler::Mode;
use lol_html::html_content::{ContentType, Element};
use lol_html::{RewriteStrSettings, element, rewrite_str};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a page asks for, in document order, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// `src` of module scripts.
    pub(crate) scripts: Vec<String>,
    /// `href` of style sheets.
    pub(crate) sheets: Vec<String>,
}

fn is_module(script: &Element<'_, '_>) -> bool {
    script
        .get_attribute("type")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("module"))
}

fn is_sheet(link: &Element<'_, '_>) -> bool {
    link.get_attribute("rel").is_some_and(|rel| {
        rel.split_ascii_whitespace()
            .any(|word| word.eq_ignore_ascii_case("stylesheet"))
    })
}

/// Reads what the page asks for. Text that is no HTML asks for nothing.
pub(crate) fn scan(html: &str) -> Page {
    let page = RefCell::new(Page::default());
    let scripts = element!("script[src]", |script| {
        if is_module(script)
            && let Some(source) = script.get_attribute("src")
        {
            page.borrow_mut().scripts.push(source);
        }
        Ok(())
    });
    let sheets = element!("link[href]", |link| {
        if is_sheet(link)
            && let Some(source) = link.get_attribute("href")
        {
            page.borrow_mut().sheets.push(source);
        }
        Ok(())
    });
    match rewrite(html, vec![scripts, sheets]) {
        Some(_) => page.into_inner(),
        None => Page::default(),
    }
}

type Handlers<'a> = Vec<(
    std::borrow::Cow<'a, lol_html::Selector>,
    lol_html::ElementContentHandlers<'a>,
)>;

fn rewrite(html: &str, handlers: Handlers<'_>) -> Option<String> {
    let settings = handlers
        .into_iter()
        .fold(RewriteStrSettings::new(), |settings, handler| {
            settings.append_element_content_handler(handler)
        });
    rewrite_str(html, settings).ok()
}

/// `src/main.tsx` in HTML is relative to the page, which stands at the root.
pub(crate) fn page_specifier(source: &str) -> String {
    if source.starts_with('/') || source.starts_with('.') || source.contains(':') {
        source.to_owned()
    } else {
        format!("./{source}")
    }
}

/// Elements whose `src` or `href` is a file that the page shows or links.
#[cfg(feature = "minify")]
const REFERENCES: &str = "link[href], img[src], source[src], video[src], audio[src], image[href]";

/// URLs of files that the page itself refers to, as written.
#[cfg(feature = "minify")]
pub(crate) fn references(html: &str) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let collect = element!(REFERENCES, |element| {
        found.borrow_mut().extend(
            ["src", "href"]
                .into_iter()
                .filter_map(|name| element.get_attribute(name)),
        );
        Ok(())
    });
    match rewrite(html, vec![collect]) {
        Some(_) => found.into_inner(),
        None => Vec::new(),
    }
}

/// `%VITE_NAME%` and `%MODE%` replaced by their values, as in Vite; other names stay as they are.
pub fn with_env(html: &str, mode: Mode, env: &BTreeMap<String, String>) -> String {
    let value = |name: &str| match name {
        "MODE" => Some(mode.name()),
        "BASE_URL" => Some("/"),
        "DEV" => Some(if mode == Mode::Development {
            "true"
        } else {
            "false"
        }),
        "PROD" => Some(if mode == Mode::Production {
            "true"
        } else {
            "false"
        }),
        other => env.get(other).map(String::as_str),
    };
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, from)) = rest.split_once('%') {
        out.push_str(before);
        let found = from
            .split_once('%')
            .and_then(|(name, behind)| Some((value(name)?, behind)));
        if let Some((value, behind)) = found {
            out.push_str(value);
            rest = behind;
        } else {
            out.push('%');
            rest = from;
        }
    }
    out.push_str(rest);
    out
}

/// The page of a live preview: client and configuration first in `head`, module scripts replaced by
/// starts of the registry. `id` gives the module id of a script's `src`.
pub(crate) fn preview(
    html: &str,
    client_url: &str,
    config_json: &str,
    id: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let config = config_json.replace('<', "\\u003c");
    let head = format!(
        "<script src=\"{client_url}\"></script><script>__hotplate__.configure({config})</script>"
    );
    let start = |script: &mut Element<'_, '_>| {
        if is_module(script)
            && let Some(id) = script.get_attribute("src").and_then(|source| id(&source))
        {
            script.remove_attribute("src");
            script.set_inner_content(
                &format!("__hotplate__.start({})", literal(&id)),
                ContentType::Html,
            );
        }
    };
    with_head(
        html,
        &head,
        vec![element!("script[src]", |script| {
            start(script);
            Ok(())
        })],
    )
}

/// The page of a release: one script and one sheet in place of the app's own, URLs of files of the tree
/// replaced by those of their hashed copies.
#[cfg(feature = "minify")]
pub(crate) fn release(
    html: &str,
    head: &str,
    is_entry: &dyn Fn(&str) -> bool,
    url: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    with_head(
        html,
        head,
        vec![
            element!("script[src]", |script| {
                if is_module(script)
                    && script
                        .get_attribute("src")
                        .is_some_and(|source| is_entry(&source))
                {
                    script.remove();
                }
                Ok(())
            }),
            element!(REFERENCES, |element| {
                for name in ["src", "href"] {
                    let Some(source) = element.get_attribute(name) else {
                        continue;
                    };
                    if is_entry(&source) {
                        element.remove();
                    } else if let Some(url) = url(&source) {
                        element.set_attribute(name, &url)?;
                    }
                }
                Ok(())
            }),
        ],
    )
}

fn with_head<'a>(html: &str, head: &'a str, mut handlers: Handlers<'a>) -> Option<String> {
    let done = Rc::new(Cell::new(false));
    let mark = Rc::clone(&done);
    handlers.push(element!("head", move |element| {
        if !mark.replace(true) {
            element.prepend(head, ContentType::Html);
        }
        Ok(())
    }));
    let out = rewrite(html, handlers)?;
    if done.get() {
        return Some(out);
    }
    // `<head>` may be left out of a document (HTML, 13.1.2.4); what comes first goes into it.
    let doctype_end = out
        .get(..9)
        .filter(|start| start.eq_ignore_ascii_case("<!doctype"))
        .and_then(|_| out.find('>'))
        .map_or(0, |end| end + 1);
    let (doctype, rest) = out.split_at(doctype_end);
    Some(format!("{doctype}{head}{rest}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first failure")]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html><html><head><title>T</title><link rel=\"stylesheet\" href=\"/src/a.css\"></head>\
        <body><div id=root></div><script type=module src=/src/main.tsx></script><script src=/plain.js></script></body></html>";

    #[test]
    fn names_of_the_environment_become_values() {
        let env = BTreeMap::from([("VITE_TITLE".to_owned(), "50% off".to_owned())]);
        for (html, expected) in [
            ("<title>%VITE_TITLE%</title>", "<title>50% off</title>"),
            ("%MODE%%PROD%", "productiontrue"),
            ("width:100%; %VITE_NONE% %", "width:100%; %VITE_NONE% %"),
            ("100%%VITE_TITLE%", "100%50% off"),
        ] {
            assert_eq!(with_env(html, Mode::Production, &env), expected);
        }
    }

    #[test]
    fn finds_module_scripts_and_sheets() {
        let page = scan(PAGE);
        assert_eq!(page.scripts, ["/src/main.tsx"]);
        assert_eq!(page.sheets, ["/src/a.css"]);
    }

    #[test]
    fn the_client_comes_before_everything() {
        let id = |source: &str| Some(source.to_owned());
        let html = preview(PAGE, "/@live/client.js", "{\"app\":\"</script>\"}", &id).unwrap();
        assert!(html.contains("<head><script src=\"/@live/client.js\"></script><script>__hotplate__.configure({\"app\":\"\\u003c/script>\"})</script><title>"), "{html}");
        assert!(
            html.contains("<script type=module>__hotplate__.start(\"/src/main.tsx\")</script>"),
            "{html}"
        );
        assert!(html.contains("<script src=/plain.js>"));
    }

    #[test]
    fn a_page_without_head_gets_the_client_all_the_same() {
        let html = preview("<!DOCTYPE html><p>x", "/c.js", "{}", &|_| None).unwrap();
        assert!(
            html.starts_with("<!DOCTYPE html><script src=\"/c.js\">"),
            "{html}"
        );
    }
}
