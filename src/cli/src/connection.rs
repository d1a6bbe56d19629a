//! Where the API is and with which token: flags, then environment, then the nearest `.dev.vars`.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::path::Path;

/// Address and token.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Without a slash at its end.
    pub(crate) url: String,
    /// Sent as bearer.
    pub(crate) token: String,
}

/// Finds both; flags and `HOTPLATE_*` are in `url` and `token` already.
pub(crate) fn find(
    url: Option<&str>,
    token: Option<&str>,
    near: &Path,
) -> Result<Connection, Failure> {
    let file = dev_vars(near);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = url
        .map(str::to_owned)
        .or_else(|| file.get("HOTPLATE_URL").cloned())
        .or_else(|| {
            variable("PORT")
                .or_else(|| file.get("PORT").cloned())
                .map(|port| format!("http://localhost:{port}"))
        })
        .unwrap_or_else(|| "http://localhost:8787".to_owned());
    let token = token
        .map(str::to_owned)
        .or_else(|| variable("ADMIN_TOKEN"))
        .or_else(|| file.get("ADMIN_TOKEN").cloned())
        .ok_or(Failure::NoToken)?;
    let url = url.trim_end_matches('/').to_owned();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Failure::Address(url));
    }
    Ok(Connection { url, token })
}

/// The nearest `.dev.vars` of the folder or above it, or above the working directory.
fn dev_vars(near: &Path) -> BTreeMap<String, String> {
    let here = std::env::current_dir().ok();
    let near = near.canonicalize().ok();
    near.iter()
        .chain(&here)
        .flat_map(|start| start.ancestors())
        .find_map(|folder| std::fs::read_to_string(folder.join(".dev.vars")).ok())
        .map(|text| parse(&text))
        .unwrap_or_default()
}

/// `NAME=value` lines, quotes and comments as dotenv has them.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.trim().split_once('=')?;
            if name.starts_with('#') {
                return None;
            }
            let value = value.trim();
            let value = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
                .or_else(|| {
                    value
                        .strip_prefix('\'')
                        .and_then(|value| value.strip_suffix('\''))
                })
                .unwrap_or(value);
            Some((name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_dotenv_files_hold() {
        let vars = parse("# comment\nADMIN_TOKEN=\"a=b\"\n\nPORT = 8790\nEMPTY=\n#X=1\n");
        assert_eq!(vars.get("ADMIN_TOKEN").map(String::as_str), Some("a=b"));
        assert_eq!(vars.get("PORT").map(String::as_str), Some("8790"));
        assert_eq!(vars.len(), 3);
    }
}
