//! Node packages: the abbreviated documents of an npm registry.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::cache::{Cache, Shelf};
use super::web::{Ask, Web, without_credentials};
use super::{LookupError, Sources, sources};
use crate::knowledge::Release;

/// The short document; a registry that does not know it sends the long one, which reads the same.
const ACCEPT: &str = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8";

/// Largest package document: long ones of packages with daily builds exceed 20 MB.
const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// What we keep of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    release: Release,
    /// `name@range`; a peer dependency as `peer name@range`.
    dependencies: Vec<String>,
}

pub(super) struct Npm {
    web: Arc<Web>,
    cache: Arc<Cache>,
    base: Url,
    has_own_index: bool,
}

impl Npm {
    pub(super) fn new(web: Arc<Web>, cache: Arc<Cache>, sources: &Sources, project: &Path) -> Self {
        Self { web, cache, base: sources.npm.clone(), has_own_index: sources::names_own_index(project) }
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
        if !is_name(name) {
            return Err(LookupError::Name { name: name.to_owned() });
        }
        let Ok(url) = self.base.join(&name.replace('/', "%2f")) else {
            return Err(LookupError::Name { name: name.to_owned() });
        };
        let key = format!("npm {} {name}", without_credentials(&self.base));
        if let Some(kept) = self.cache.read(&key, Shelf::Day) {
            return Ok(kept);
        }
        let ask = Ask { url: &url, accept: ACCEPT, range: None, limit_bytes: DOCUMENT_BYTES_MAX };
        let kept = match self.web.get(ask).await {
            Ok(fetched) => {
                parse(&fetched.body).map_err(|source| LookupError::Document { name: name.to_owned(), source })?
            }
            // A private package looks missing to those who may not see it, and those have a scope.
            Err(error) if error.is_not_found() && (self.has_own_index || name.starts_with('@')) => {
                return Err(LookupError::Elsewhere { name: name.to_owned() });
            }
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        self.cache.write(&key, &kept);
        Ok(kept)
    }
}

/// Letters that may stand in a URL path as they are, with at most one scope.
fn is_name(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.~".contains(letter))
    };
    match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| plain(scope) && plain(name)),
        None => plain(name),
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    /// An object by rule, a list in some very old packages.
    #[serde(default)]
    engines: serde_json::Value,
    #[serde(default)]
    deprecated: serde_json::Value,
    #[serde(default)]
    dependencies: serde_json::Value,
    #[serde(default)]
    peer_dependencies: serde_json::Value,
    #[serde(default)]
    peer_dependencies_meta: serde_json::Value,
}

fn parse(body: &[u8]) -> Result<Vec<Kept>, serde_json::Error> {
    let document: Document = serde_json::from_slice(body)?;
    let mut kept: Vec<Kept> = document.versions.into_iter().map(|(version, meta)| keep(version, &meta)).collect();
    kept.sort_by_cached_key(|kept| semver::Version::parse(&kept.release.version).ok());
    Ok(kept)
}

fn keep(version: String, meta: &Version) -> Kept {
    let pairs = |value: &serde_json::Value| -> Vec<(String, String)> {
        let object = value.as_object().into_iter().flatten();
        object.filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned()))).collect()
    };
    let is_optional = |name: &str| {
        meta.peer_dependencies_meta.pointer(&format!("/{}/optional", name.replace('/', "~1")))
            == Some(&serde_json::Value::Bool(true))
    };
    let own = pairs(&meta.dependencies).into_iter().map(|(name, range)| format!("{name}@{range}"));
    let peers = pairs(&meta.peer_dependencies)
        .into_iter()
        .filter(|(name, _)| !is_optional(name))
        .map(|(name, range)| format!("peer {name}@{range}"));
    let is_deprecated = match &meta.deprecated {
        serde_json::Value::Null | serde_json::Value::Bool(false) => false,
        serde_json::Value::String(reason) => !reason.is_empty(),
        _ => true,
    };
    Kept {
        dependencies: own.chain(peers).collect(),
        release: Release {
            version,
            requires: meta.engines.get("node").and_then(serde_json::Value::as_str).map(str::to_owned),
            yanked: is_deprecated,
            wheels: Vec::new(),
            has_source: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_releases_in_semver_order() {
        let body = br#"{"name": "x", "versions": {
            "1.10.0": {"engines": {"node": ">=18"}, "dependencies": {"a": "^1"}, "peerDependencies": {"react": "^18", "vue": "*"},
                       "peerDependenciesMeta": {"vue": {"optional": true}}},
            "1.9.0": {"deprecated": "use 1.10"}, "1.10.0-rc.1": {"engines": ["node"]}}}"#;
        let kept = parse(body).unwrap();
        let versions: Vec<_> = kept.iter().map(|kept| kept.release.version.as_str()).collect();
        assert_eq!(versions, ["1.9.0", "1.10.0-rc.1", "1.10.0"]);
        assert!(kept[0].release.yanked);
        assert_eq!(kept[2].release.requires.as_deref(), Some(">=18"));
        assert_eq!(kept[2].dependencies, ["a@^1", "peer react@^18"]);
    }

    #[test]
    fn only_plain_names_reach_a_url() {
        assert!(is_name("@babel/core") && is_name("left-pad"));
        assert!(!is_name("../etc") && !is_name("a/b") && !is_name("@x") && !is_name("a?b"));
    }
}
