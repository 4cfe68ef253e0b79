//! Rust crates: the sparse index, one JSON line per version.

use std::sync::Arc;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Shelf};
use super::web::{Ask, Web};
use super::{LookupError, Sources};
use crate::knowledge::Release;

/// Largest index file: crates with thousands of versions stay below 10 MB.
const LINES_BYTES_MAX: usize = 16 << 20;

/// What we keep of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    release: Release,
    /// `name@requirement`, without optional and development dependencies.
    dependencies: Vec<String>,
}

pub(super) struct Crates {
    web: Arc<Web>,
    cache: Arc<Cache>,
    base: Url,
}

impl Crates {
    pub(super) fn new(web: Arc<Web>, cache: Arc<Cache>, sources: &Sources) -> Self {
        Self { web, cache, base: sources.crates.clone() }
    }

    pub(super) async fn releases(&self, name: &str) -> Result<Vec<Release>, LookupError> {
        Ok(self.kept(name).await?.into_iter().map(|kept| kept.release).collect())
    }

    pub(super) async fn dependencies(&self, name: &str, version: &str) -> Result<Vec<String>, LookupError> {
        let kept = self.kept(name).await?.into_iter().find(|kept| kept.release.version == version);
        kept.map(|kept| kept.dependencies)
            .ok_or_else(|| LookupError::NoSuchVersion { name: name.to_owned(), version: version.to_owned() })
    }

    async fn kept(&self, name: &str) -> Result<Vec<Kept>, LookupError> {
        let no_name = || LookupError::Name { name: name.to_owned() };
        let url = path(name).and_then(|path| self.base.join(&path).ok()).ok_or_else(no_name)?;
        let key = format!("crates {name}");
        if let Some(kept) = self.cache.read(&key, Shelf::Day) {
            return Ok(kept);
        }
        let ask = Ask { url: &url, accept: "text/plain, */*;q=0.5", range: None, limit_bytes: LINES_BYTES_MAX };
        let kept = match self.web.get(ask).await {
            Ok(fetched) => parse(&String::from_utf8_lossy(&fetched.body))
                .map_err(|source| LookupError::Document { name: name.to_owned(), source })?,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        self.cache.write(&key, &kept);
        Ok(kept)
    }
}

/// Where the index keeps a crate: by length, then by its first letters.
/// Source: <https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files>
fn path(name: &str) -> Option<String> {
    let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    let name = name.to_ascii_lowercase();
    match name.len() {
        _ if !is_plain => None,
        0 => None,
        1 | 2 => Some(format!("{}/{name}", name.len())),
        3 => Some(format!("3/{}/{name}", &name[..1])),
        _ => Some(format!("{}/{}/{name}", &name[..2], &name[2..4])),
    }
}

#[derive(Deserialize)]
struct Line {
    vers: String,
    #[serde(default)]
    yanked: bool,
    #[serde(default)]
    rust_version: Option<String>,
    #[serde(default)]
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    kind: Option<String>,
    /// The real name, where the crate renames it.
    #[serde(default)]
    package: Option<String>,
}

fn parse(text: &str) -> Result<Vec<Kept>, serde_json::Error> {
    let mut kept = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line)?;
        let needed = |dependency: &Dependency| !dependency.optional && dependency.kind.as_deref() != Some("dev");
        kept.push(Kept {
            dependencies: line
                .deps
                .into_iter()
                .filter(needed)
                .map(|dependency| format!("{}@{}", dependency.package.unwrap_or(dependency.name), dependency.req))
                .collect(),
            release: Release {
                version: line.vers,
                requires: line.rust_version,
                yanked: line.yanked,
                wheels: Vec::new(),
                has_source: true,
            },
        });
    }
    kept.sort_by_cached_key(|kept| semver::Version::parse(&kept.release.version).ok());
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_live_below_their_first_letters() {
        assert_eq!(path("a").as_deref(), Some("1/a"));
        assert_eq!(path("url").as_deref(), Some("3/u/url"));
        assert_eq!(path("Serde").as_deref(), Some("se/rd/serde"));
        assert_eq!(path("../x"), None);
    }

    #[test]
    fn lines_become_releases() {
        let text = concat!(
            r#"{"name":"x","vers":"1.10.0","deps":[{"name":"d","req":"^1","kind":"normal"},{"name":"t","req":"^1","kind":"dev"},"#,
            r#"{"name":"n","package":"real","req":"^2","kind":"build"}],"yanked":false,"rust_version":"1.70"}"#,
            "\n",
            r#"{"name":"x","vers":"1.2.0","deps":[],"yanked":true}"#,
            "\n"
        );
        let kept = parse(text).unwrap();
        assert!(kept[0].release.yanked && kept[0].release.version == "1.2.0");
        assert_eq!(kept[1].dependencies, ["d@^1", "real@^2"]);
        assert_eq!(kept[1].release.requires.as_deref(), Some("1.70"));
    }
}
