//! Python packages: the project pages of the Simple API, as JSON (PEP 691) or HTML (PEP 503).

use std::collections::BTreeMap;
use std::str::FromStr;

use pep440_rs::Version;
use pep508_rs::PackageName;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::web::Fetched;
use crate::knowledge::Release;

mod archive;
pub(super) mod client;
mod html;
mod metadata;

/// What we can read, best first.
pub(super) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.5, text/html;q=0.3";

/// Largest project page we read: the longest known ones (nightly builds with thousands of files) are near 20 MB.
pub(super) const PAGE_BYTES_MAX: usize = 32 << 20;

/// One file of a project that Linux on x86-64 could use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    /// Absolute.
    pub(super) url: String,
    /// Normalised as PEP 440 has it.
    pub(super) version: String,
    /// Tag of a wheel; `None` for source.
    pub(super) wheel: Option<String>,
    pub(super) requires_python: Option<String>,
    pub(super) yanked: bool,
    /// Whether the index offers the metadata beside the file (PEP 658).
    pub(super) metadata: bool,
}

/// All files of a project, from all indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) files: Vec<File>,
}

/// Why a page could not be understood.
#[derive(Debug, thiserror::Error)]
#[error("the page is neither JSON nor HTML of the Simple API")]
pub struct PageError {
    #[source]
    source: Option<serde_json::Error>,
}

impl Page {
    /// Reads the answer of a Simple API; its content type tells in which language it is.
    pub(super) fn parse(name: &PackageName, fetched: &Fetched) -> Result<Self, PageError> {
        let is_json = fetched.content_type.contains("json") || fetched.body.first() == Some(&b'{');
        let links = if is_json { json_links(&fetched.body)? } else { html::links(&fetched.body)? };
        let files = links.into_iter().filter_map(|link| file_of(name, link, &fetched.url)).collect();
        Ok(Self { files })
    }

    /// Versions with what each needs, oldest first.
    pub(super) fn releases(&self) -> Vec<Release> {
        let mut releases: BTreeMap<Version, Release> = BTreeMap::new();
        for file in &self.files {
            let Ok(version) = Version::from_str(&file.version) else { continue };
            let release = releases.entry(version).or_insert_with(|| Release {
                version: file.version.clone(),
                yanked: true,
                ..Release::default()
            });
            // A version counts as withdrawn once all its files are.
            release.yanked &= file.yanked;
            if release.requires.is_none() {
                release.requires.clone_from(&file.requires_python);
            }
            match &file.wheel {
                Some(tag) => release.wheels.push(tag.clone()),
                None => release.has_source = true,
            }
        }
        releases.into_values().collect()
    }

    /// The files of one version.
    pub(super) fn of(&self, version: &Version) -> impl Iterator<Item = &File> {
        // Parsed, because `1` and `1.0` are the same version and both occur, even side by side.
        self.files.iter().filter(move |file| Version::from_str(&file.version).is_ok_and(|own| own == *version))
    }
}

/// A link as either language gives it.
struct Link {
    filename: String,
    url: String,
    requires_python: Option<String>,
    yanked: bool,
    metadata: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    requires_python: Option<String>,
    /// A flag, or the reason.
    #[serde(default)]
    yanked: serde_json::Value,
    #[serde(default)]
    core_metadata: serde_json::Value,
    #[serde(default)]
    dist_info_metadata: serde_json::Value,
    /// The name that PEP 658 had at first.
    #[serde(default)]
    data_dist_info_metadata: serde_json::Value,
}

fn json_links(body: &[u8]) -> Result<Vec<Link>, PageError> {
    let page: JsonPage = serde_json::from_slice(body).map_err(|source| PageError { source: Some(source) })?;
    let says_yes = |value: &serde_json::Value| match value {
        serde_json::Value::Bool(flag) => *flag,
        serde_json::Value::Null => false,
        _ => true,
    };
    let link = |file: JsonFile| Link {
        yanked: says_yes(&file.yanked),
        metadata: [&file.core_metadata, &file.dist_info_metadata, &file.data_dist_info_metadata]
            .into_iter()
            .any(says_yes),
        filename: file.filename,
        url: file.url,
        requires_python: file.requires_python.filter(|text| !text.trim().is_empty()),
    };
    Ok(page.files.into_iter().map(link).collect())
}

/// Understands a file by its name, or drops it: other platforms, eggs, installers, other projects.
fn file_of(name: &PackageName, link: Link, page: &Url) -> Option<File> {
    let (version, wheel) = match link.filename.strip_suffix(".whl") {
        Some(stem) => {
            let (version, tag) = split_wheel(stem)?;
            (version, Some(tag))
        }
        None => (split_source(&link.filename, name)?, None),
    };
    if wheel.as_deref().is_some_and(|tag| !is_for_linux(tag)) {
        return None;
    }
    let url = page.join(&link.url).ok()?;
    Some(File {
        version: Version::from_str(version).ok()?.to_string(),
        url: url.into(),
        wheel,
        name: link.filename,
        requires_python: link.requires_python,
        yanked: link.yanked,
        metadata: link.metadata,
    })
}

/// `numpy-1.24.4-cp311-cp311-manylinux…` as version and tag; a build number in between is dropped.
fn split_wheel(stem: &str) -> Option<(&str, String)> {
    let mut parts = stem.rsplitn(4, '-');
    let (platform, abi, python) = (parts.next()?, parts.next()?, parts.next()?);
    let version = parts.next()?.split('-').nth(1)?;
    Some((version, format!("{python}-{abi}-{platform}")))
}

/// The version in `google-auth-2.40.3.tar.gz`: the project's name may hold hyphens too.
fn split_source<'a>(filename: &'a str, name: &PackageName) -> Option<&'a str> {
    let stem = [".tar.gz", ".zip", ".tar.bz2"].into_iter().find_map(|suffix| filename.strip_suffix(suffix))?;
    stem.match_indices('-')
        .find(|(at, _)| PackageName::from_str(&stem[..*at]).is_ok_and(|prefix| prefix == *name))
        .map(|(at, _)| &stem[at + 1..])
}

/// glibc and musl alike: a rule may ask about Alpine images.
fn is_for_linux(tag: &str) -> bool {
    let platform = tag.rsplit('-').next().unwrap_or_default();
    platform.split('.').any(|one| one == "any" || (one.contains("linux") && one.ends_with("_x86_64")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(content_type: &str, body: &str) -> Page {
        let fetched = Fetched {
            body: body.as_bytes().to_vec(),
            content_type: content_type.to_owned(),
            range: None,
            url: Url::parse("https://index.example/simple/my-pkg/").unwrap(),
        };
        Page::parse(&PackageName::from_str("my-pkg").unwrap(), &fetched).unwrap()
    }

    const JSON: &str = r#"{"files": [
        {"filename": "my-pkg-1.0.tar.gz", "url": "../../f/my-pkg-1.0.tar.gz", "requires-python": ">=3.8", "yanked": false},
        {"filename": "my_pkg-1.10-py3-none-any.whl", "url": "https://f.example/b.whl", "yanked": "broken", "core-metadata": {"sha256": "x"}},
        {"filename": "my_pkg-1.9-1-cp313-cp313-manylinux_2_17_x86_64.whl", "url": "c.whl", "requires-python": null},
        {"filename": "my_pkg-1.9-cp313-cp313-win_amd64.whl", "url": "d.whl"},
        {"filename": "my_pkg-1.9.exe", "url": "e.exe"}
    ]}"#;

    #[test]
    fn a_json_page_becomes_releases_in_order() {
        let page = page("application/vnd.pypi.simple.v1+json", JSON);
        assert_eq!(page.files[0].url, "https://index.example/f/my-pkg-1.0.tar.gz");
        let seen: Vec<_> = page.releases();
        let brief = |release: &Release| (release.version.clone(), release.yanked, release.has_source);
        assert_eq!(
            seen.iter().map(brief).collect::<Vec<_>>(),
            [("1.0".to_owned(), false, true), ("1.9".to_owned(), false, false), ("1.10".to_owned(), true, false),]
        );
        assert_eq!(seen[0].requires.as_deref(), Some(">=3.8"));
        assert_eq!(seen[1].wheels, ["cp313-cp313-manylinux_2_17_x86_64"]);
        assert!(page.files[1].metadata);
    }

    #[test]
    fn an_html_page_says_the_same() {
        let html = r#"<!DOCTYPE html><html><body>
            <a href="../../f/my-pkg-1.0.tar.gz#sha256=ab" data-requires-python="&gt;=3.8">my-pkg-1.0.tar.gz</a><br/>
            <a href="https://f.example/b.whl" data-yanked="broken" data-core-metadata="sha256=x">my_pkg-1.10-py3-none-any.whl</a>
            <a href='c.whl'>my_pkg-1.9-1-cp313-cp313-manylinux_2_17_x86_64.whl</a></body></html>"#;
        let (html, json) = (page("text/html", html), page("application/json", JSON));
        assert_eq!(html.releases(), json.releases());
        assert_eq!(html.files[0].url, "https://index.example/f/my-pkg-1.0.tar.gz#sha256=ab");
    }

    #[test]
    fn a_page_in_no_known_language_is_an_error() {
        let fetched = Fetched {
            body: b"<html>Sign in</html>".to_vec(),
            content_type: "text/html".to_owned(),
            range: None,
            url: Url::parse("https://index.example/").unwrap(),
        };
        assert!(Page::parse(&PackageName::from_str("a").unwrap(), &fetched).is_err());
        let fetched = Fetched { body: b"{}".to_vec(), ..fetched };
        assert!(Page::parse(&PackageName::from_str("a").unwrap(), &fetched).is_err());
    }
}
