//! gunicorn: the `bind` of its configuration file, where the command says none.

use std::sync::LazyLock;

use regex::Regex;

use super::Start;
use crate::diagnosis::Case;
use crate::remedy::Edit;

/// A `bind = "address:port"` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    pub path: String,
    pub line: usize,
    pub host: String,
    pub port: u16,
}

static BIND: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^bind\s*=\s*\[?["']([\w.]*|\[::1?\]):(\d{2,5})["']\]?\s*(?:#.*)?$"#).ok());

/// The line that says where gunicorn listens.
pub fn bind(case: &Case<'_>) -> Option<Bind> {
    let start = Start::of(case).filter(|start| start.words.iter().take(3).any(|word| word.ends_with("gunicorn")))?;
    if start.server()?.port_word(&start.words).is_some() {
        return None;
    }
    let option = |name: &str| start.words.iter().position(|word| word == name).and_then(|at| start.words.get(at + 1));
    let named = option("-c").or_else(|| option("--config")).map_or("gunicorn.conf.py", String::as_str);
    let name = named.trim_start_matches("python:").rsplit('/').next()?;
    let mut files = case.workspace.paths().filter(|path| path.rsplit('/').next() == Some(name));
    let path = files.next().filter(|_| files.next().is_none())?;
    case.workspace.lines(path).iter().enumerate().find_map(|(index, line)| {
        let found = BIND.as_ref()?.captures(line)?;
        Some(Bind { path: path.to_owned(), line: index + 1, host: found[1].to_owned(), port: found[2].parse().ok()? })
    })
}

impl Bind {
    pub fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "127.0.0.1" | "localhost" | "[::1]")
    }

    /// Listening on all interfaces and on `PORT`: a configuration file is Python, so it reads the variable itself.
    pub fn for_the_platform(&self, case: &Case<'_>) -> Option<Edit> {
        let lines = case.workspace.lines(&self.path);
        let host = if self.is_loopback() { "0.0.0.0" } else { self.host.as_str() };
        let bind = format!("bind = f\"{host}:{{os.environ.get('PORT', '{}')}}\"", self.port);
        let has_os = lines.iter().take(self.line).any(|line| line.trim() == "import os");
        let new = if has_os { vec![bind.as_str()] } else { vec!["import os", "", bind.as_str()] };
        Edit::replace(case.workspace, &self.path, self.line, self.line, &new)
    }
}
