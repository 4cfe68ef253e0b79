//! Fetches project pages and dependency lists, each by the cheapest way the index offers.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use pep440_rs::Version;
use pep508_rs::PackageName;
use reqwest::Url;

use super::{ACCEPT, File, PAGE_BYTES_MAX, Page, archive, metadata};
use crate::index::cache::{Cache, Shelf};
use crate::index::web::{Ask, Fetched, Web, WebError, host_of, without_credentials};
use crate::index::{LookupError, Sources, sources};

/// Largest METADATA or JSON answer: long descriptions reach some hundred KB.
const METADATA_BYTES_MAX: usize = 4 << 20;

/// Last bytes of a wheel that usually hold its directory and its metadata.
const TAIL_BYTES: usize = 64 << 10;

/// Largest archive taken whole, where nothing smaller is offered: a build would fetch it anyway.
const ARCHIVE_BYTES_MAX: usize = 16 << 20;

/// The Python side of the index.
pub(in crate::index) struct Pypi {
    web: Arc<Web>,
    cache: Arc<Cache>,
    bases: Vec<Url>,
    /// The project has registries we do not ask: a missing package may be there.
    has_own_index: bool,
    /// Ways that a host has shown not to offer; not tried there again.
    refused: Mutex<HashSet<(Way, String)>>,
}

/// How to learn what a version depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    /// `<file>.metadata` (PEP 658).
    Beside,
    /// `<base>/pypi/<name>/<version>/json`.
    JsonApi,
}

impl Pypi {
    pub(in crate::index) fn new(web: Arc<Web>, cache: Arc<Cache>, sources: &Sources, project: &Path) -> Self {
        let has_own_index = sources::names_own_index(project);
        Self { web, cache, bases: sources.pypi.clone(), has_own_index, refused: Mutex::default() }
    }

    /// All files of a package; an empty page if every index says that there is none.
    pub(in crate::index) async fn page(&self, name: &PackageName) -> Result<Page, LookupError> {
        let mut whole = Page::default();
        let mut is_known = false;
        for base in &self.bases {
            if let Some(page) = self.page_at(base, name).await? {
                is_known = true;
                whole.files.extend(page.files);
            }
        }
        if !is_known && self.has_own_index {
            return Err(LookupError::Elsewhere { name: name.to_string() });
        }
        Ok(whole)
    }

    async fn page_at(&self, base: &Url, name: &PackageName) -> Result<Option<Page>, LookupError> {
        let Ok(url) = base.join(&format!("{name}/")) else { return Ok(None) };
        let key = format!("pypi page {}", without_credentials(&url));
        if let Some(page) = self.cache.read(&key, Shelf::Day) {
            return Ok(page);
        }
        let ask = Ask { url: &url, accept: ACCEPT, range: None, limit_bytes: PAGE_BYTES_MAX };
        let page = match self.web.get(ask).await {
            Ok(fetched) => Some(Page::parse(name, &fetched)?),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        self.cache.write(&key, &page);
        Ok(page)
    }

    /// The `Requires-Dist` lines of one version, by the wheel that fits CPython 3.`minor` if there is one.
    pub(in crate::index) async fn requires(
        &self,
        name: &PackageName,
        version: &Version,
        page: &Page,
        minor: Option<u32>,
    ) -> Result<Vec<String>, LookupError> {
        let fits = |file: &File| {
            let fitting = |tag: &String| minor.is_none_or(|minor| crate::knowledge::python::wheel_fits(tag, minor));
            match &file.wheel {
                Some(tag) if fitting(tag) => 0,
                Some(_) => 1,
                // Of source archives, tar is the one the standard keeps.
                None => 2 + u8::from(!file.name.ends_with(".tar.gz")),
            }
        };
        let Some(file) = page.of(version).min_by_key(|file| (fits(file), file.name.clone())) else {
            return Err(LookupError::NoSuchVersion { name: name.to_string(), version: version.to_string() });
        };
        let Ok(url) = Url::from_str(&file.url) else {
            return Err(LookupError::Undeclared { name: name.to_string(), version: version.to_string() });
        };
        let key = format!("pypi requires {}", without_credentials(&url));
        if let Some(requires) = self.cache.read(&key, Shelf::Forever) {
            return Ok(requires);
        }
        let requires = self.requires_of(name, version, file, &url).await?;
        self.cache.write(&key, &requires);
        Ok(requires)
    }

    async fn requires_of(
        &self,
        name: &PackageName,
        version: &Version,
        file: &File,
        url: &Url,
    ) -> Result<Vec<String>, LookupError> {
        let undeclared = || LookupError::Undeclared { name: name.to_string(), version: version.to_string() };
        let is_wheel = file.wheel.is_some();
        if let Some(requires) = self.beside(url, file.metadata, is_wheel).await? {
            return Ok(requires);
        }
        if let Some(requires) = self.json_api(name, version).await? {
            return Ok(requires);
        }
        let requires =
            if is_wheel { self.inside_wheel(url).await? } else { self.inside_source(url, &file.name).await? };
        requires.ok_or_else(undeclared)
    }

    /// Asks for the metadata beside the file. Some mirrors serve it without saying so: once per host is worth a try.
    async fn beside(&self, url: &Url, is_offered: bool, is_wheel: bool) -> Result<Option<Vec<String>>, LookupError> {
        let door = (Way::Beside, host_of(url));
        if !is_offered && (!is_wheel || self.is_refused(&door)) {
            return Ok(None);
        }
        let mut beside = url.clone();
        beside.set_path(&format!("{}.metadata", url.path()));
        beside.set_fragment(None);
        let text = self.text(&beside).await?;
        let requires = text.and_then(|text| metadata::requires_of(&text, is_wheel));
        if requires.is_none() && !is_offered {
            self.refuse(door);
        }
        Ok(requires)
    }

    async fn json_api(&self, name: &PackageName, version: &Version) -> Result<Option<Vec<String>>, LookupError> {
        for base in &self.bases {
            let door = (Way::JsonApi, without_credentials(base));
            // Other servers than PyPI's keep the API where PyPI has it, or have none.
            let Some(root) = base.path().strip_suffix("simple/") else { continue };
            if self.is_refused(&door) {
                continue;
            }
            let mut url = base.clone();
            url.set_path(&format!("{root}pypi/{name}/{version}/json"));
            match self.text(&url).await? {
                Some(text) => {
                    if let Some(requires) = metadata::requires_of_json(text.as_bytes()) {
                        return Ok(Some(requires));
                    }
                }
                None => self.refuse(door),
            }
        }
        Ok(None)
    }

    /// Reads METADATA out of a wheel by ranges, so that a wheel of 800 MB costs 64 KB.
    async fn inside_wheel(&self, url: &Url) -> Result<Option<Vec<String>>, LookupError> {
        let mut tail = match self.bytes(url, Some(format!("bytes=-{TAIL_BYTES}")), ARCHIVE_BYTES_MAX).await {
            // Some stores know no ranges from the end, or none longer than the file.
            Err(LookupError::Web(WebError::Refused { status: 400 | 416 | 501, .. })) => {
                self.bytes(url, None, ARCHIVE_BYTES_MAX).await?
            }
            tail => tail?,
        };
        let mut start = tail.range.map_or(0, |(start, _)| start);
        // A wheel of a thousand files has a longer directory.
        if let Some(directory) = archive::directory(&tail.body).filter(|directory| *directory < start) {
            tail = self.bytes(url, Some(format!("bytes={directory}-")), ARCHIVE_BYTES_MAX).await?;
            start = tail.range.map_or(0, |(start, _)| start);
        }
        let Some(entries) = archive::entries(&tail.body, start) else { return Ok(None) };
        let Some(entry) = entries.iter().find(|entry| is_metadata(&entry.name)) else { return Ok(None) };
        let text = match entry.offset.checked_sub(start).and_then(|at| tail.body.get(at..)) {
            Some(bytes) => entry.unpack(bytes),
            None => {
                let range = format!("bytes={}-{}", entry.offset, entry.offset.saturating_add(entry.span()));
                let piece = self.bytes(url, Some(range), METADATA_BYTES_MAX).await?;
                entry.unpack(&piece.body)
            }
        };
        Ok(text.and_then(|text| metadata::requires_of(&text, true)))
    }

    async fn inside_source(&self, url: &Url, filename: &str) -> Result<Option<Vec<String>>, LookupError> {
        let whole = self.bytes(url, None, ARCHIVE_BYTES_MAX).await?.body;
        let texts = if filename.ends_with(".tar.gz") {
            archive::SourceTexts::of_tar_gz(&whole)
        } else {
            archive::SourceTexts::of_zip(&whole)
        };
        let Some(texts) = texts else { return Ok(None) };
        let declared = texts.pkg_info.and_then(|text| metadata::requires_of(&text, false));
        let egg = || texts.requires.map(|text| metadata::requires_of_egg(&text));
        Ok(declared.or_else(egg).or(texts.has_egg_info.then(Vec::new)))
    }

    /// A small text, `None` if there is none.
    async fn text(&self, url: &Url) -> Result<Option<String>, LookupError> {
        match self.bytes(url, None, METADATA_BYTES_MAX).await {
            Ok(fetched) => Ok(Some(String::from_utf8_lossy(&fetched.body).into_owned())),
            // A store in front of files says 403 where it means 404.
            Err(LookupError::Web(error)) if error.is_not_found() || error.is_forbidden() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn bytes(&self, url: &Url, range: Option<String>, limit_bytes: usize) -> Result<Fetched, LookupError> {
        let ask = Ask { url, accept: "*/*", range: range.as_deref(), limit_bytes };
        Ok(self.web.get(ask).await?)
    }

    fn is_refused(&self, door: &(Way, String)) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(door)
    }

    fn refuse(&self, door: (Way, String)) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(door);
    }
}

fn is_metadata(name: &str) -> bool {
    name.strip_suffix(".dist-info/METADATA").is_some_and(|folder| !folder.contains('/'))
}
