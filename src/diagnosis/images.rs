//! Images: how a reference is read, which tags the official images have, and what to use instead of one that is gone.

use super::suites::{self, Distribution, Status};

mod tags;

use tags::{LINES, Line, Order};

/// An image reference in its parts: `docker.io/library/python:3.12-slim`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As written, without tag and digest.
    pub repository: String,
    /// `latest` when none was written.
    pub tag: String,
    pub digest: Option<String>,
    /// Whether the tag was written.
    pub tagged: bool,
}

impl Reference {
    pub fn parse(text: &str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match rest[slash..].find(':') {
            Some(colon) => (&rest[..slash + colon], Some(&rest[slash + colon + 1..])),
            None => (rest, None),
        };
        Self {
            repository: repository.to_owned(),
            tag: tag.unwrap_or("latest").to_owned(),
            digest,
            tagged: tag.is_some(),
        }
    }

    /// The name of an official image, however it is written: `python`, `docker.io/library/python`, a mirror of them.
    pub fn official(&self) -> Option<&str> {
        const HOMES: &[&str] = &[
            "docker.io/library/",
            "index.docker.io/library/",
            "registry-1.docker.io/library/",
            "public.ecr.aws/docker/library/",
            "mirror.gcr.io/library/",
            "docker.io/",
            "library/",
        ];
        let home = HOMES.iter().find_map(|home| self.repository.strip_prefix(home));
        let name = home.unwrap_or(&self.repository);
        (!name.contains('/')).then_some(name)
    }

    /// The same repository with another tag.
    pub fn with_tag(&self, tag: &str) -> String {
        format!("{}:{tag}", self.repository)
    }
}

/// A tag of an official image, its words told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// `3.12.1`, `20`, `lts`; empty when the tag names none.
    pub version: String,
    /// `jdk`, `fpm`, `management`.
    pub flavour: Option<String>,
    pub slim: bool,
    /// A code name: `bookworm`, `jammy`.
    pub suite: Option<String>,
    /// `alpine` or `alpine3.19`.
    pub alpine: Option<String>,
    /// Words that mean nothing here.
    pub strange: Vec<String>,
}

const FLAVOURS: &[&str] = &["jdk", "jre", "cli", "apache", "fpm", "zts", "perl", "onbuild", "otel"];
const NAMED_VERSIONS: &[&str] = &[
    "latest", "lts", "current", "stable", "mainline", "rc", "carbon", "dubnium", "erbium", "fermium", "gallium",
    "hydrogen", "iron", "jod", "krypton", "nightly",
];

impl Tag {
    pub fn read(tag: &str) -> Self {
        let mut out = Self::default();
        for word in tag.split('-') {
            let lower = word.to_ascii_lowercase();
            let free = out.version.is_empty();
            match lower.as_str() {
                "slim" => out.slim = true,
                _ if lower == "alpine" || lower.strip_prefix("alpine").is_some_and(is_version) => {
                    out.alpine = Some(lower)
                }
                _ if suites::age(&lower).is_some() => out.suite = Some(lower),
                _ if FLAVOURS.contains(&lower.as_str()) && out.flavour.is_none() => out.flavour = Some(lower),
                _ if free && (is_version(&lower) || NAMED_VERSIONS.contains(&lower.as_str())) => out.version = lower,
                _ => out.strange.push(word.to_owned()),
            }
        }
        out
    }

    /// As the image `line` writes such tags.
    fn write(&self, line: &Line) -> String {
        let slim = self.slim.then(|| "slim".to_owned());
        let system = self.suite.clone().or_else(|| self.alpine.clone());
        let version = Some(self.version.clone()).filter(|version| !version.is_empty());
        let words = match line.order {
            Order::SlimFirst => [version, self.flavour.clone(), slim, system],
            Order::SlimLast => [version, self.flavour.clone(), system, slim],
            Order::FlavourLast => [version, system, self.flavour.clone(), slim],
        };
        words.into_iter().flatten().collect::<Vec<_>>().join("-")
    }
}

fn is_version(word: &str) -> bool {
    // Eight digits are a date: `bookworm-20251103-slim`.
    let is_date = word.len() == 8 && word.chars().all(|each| each.is_ascii_digit());
    !is_date
        && word.starts_with(|first: char| first.is_ascii_digit())
        && word.chars().all(|each| each.is_ascii_digit() || matches!(each, '.' | 'u'))
}

/// Whether the words of an official image's tag stand in an order in which no tag of it has them, whatever there is by now.
pub fn is_disordered(reference: &Reference) -> bool {
    let tag = Tag::read(&reference.tag);
    let written = line_of(reference).filter(|_| reference.tagged && tag.strange.is_empty()).map(|line| tag.write(line));
    written.is_some_and(|written| written != reference.tag.to_ascii_lowercase())
}

/// Whether the official images are known to have `reference`; `None` when the table cannot tell.
pub fn exists(reference: &Reference) -> Option<bool> {
    let line = line_of(reference)?;
    let tag = Tag::read(&reference.tag);
    if !reference.tagged {
        return Some(true);
    }
    if !tag.strange.is_empty() {
        return None;
    }
    if tag.write(line) != reference.tag.to_ascii_lowercase() {
        // Official images name the words of a tag in one order only.
        return Some(false);
    }
    has(line, &tag)
}

fn line_of(reference: &Reference) -> Option<&'static Line> {
    let name = reference.official()?;
    LINES.iter().find(|line| line.image == name)
}

fn has(line: &Line, tag: &Tag) -> Option<bool> {
    if tag.slim && !line.slim {
        return Some(false);
    }
    if tag.flavour.as_ref().is_some_and(|flavour| !line.flavours.contains(&flavour.as_str())) {
        return Some(false);
    }
    if tag.alpine.is_some() && !line.alpine {
        return Some(false);
    }
    let (_, suites) = line.versions.iter().find(|(version, _)| *version == tag.version)?;
    match (&tag.suite, &tag.alpine) {
        // Which Alpine releases a version was built for is not in the table.
        (None, Some(alpine)) if alpine != "alpine" => None,
        (Some(_), Some(_)) => Some(false),
        (Some(suite), None) => suites.contains(&suite.as_str()).then_some(true),
        (None, _) => Some(true),
    }
}

/// Existing tags of the same image to use instead of `reference`, best first: the same words in the right order, the same
/// minor version on a newer suite, the same minor version, the next one. The variant is kept where it exists.
pub fn replacements(reference: &Reference) -> Vec<String> {
    let Some(line) = line_of(reference) else { return vec![] };
    let mut tag = Tag::read(&reference.tag);
    let strange = std::mem::take(&mut tag.strange);
    for word in strange {
        match corrected(line, &word) {
            Some(right) => {
                let more = Tag::read(&right);
                tag.version = if tag.version.is_empty() { more.version } else { tag.version };
                tag.slim |= more.slim;
                tag.suite = tag.suite.or(more.suite);
                tag.alpine = tag.alpine.or(more.alpine);
                tag.flavour = tag.flavour.or(more.flavour);
            }
            None => return vec![],
        }
    }
    tag.slim &= line.slim;
    if tag.alpine.is_some() && tag.suite.is_some() {
        tag.suite = None;
    }
    if tag.alpine.is_some() {
        tag.slim &= line.order == Order::FlavourLast;
    }
    if tag.flavour.as_ref().is_some_and(|flavour| !line.flavours.contains(&flavour.as_str())) {
        tag.flavour = None;
    }
    let mut out: Vec<String> = Vec::new();
    let mut offer = |tag: &Tag| {
        let written = tag.write(line);
        if has(line, tag) == Some(true) && written != reference.tag && !out.contains(&written) {
            out.push(written);
        }
    };
    offer(&tag);
    let mut alpine = tag.clone();
    alpine.alpine = tag.alpine.as_ref().map(|_| "alpine".to_owned());
    for (version, suites) in versions_from(line, &tag.version) {
        let base = Tag { version: (*version).to_owned(), ..alpine.clone() };
        for suite in newer_suites(suites, tag.suite.as_deref()) {
            offer(&Tag { suite: Some(suite.to_owned()), ..base.clone() });
        }
        offer(&Tag { suite: None, ..base });
    }
    out.truncate(4);
    out.into_iter().map(|tag| reference.with_tag(&tag)).collect()
}

/// The versions to try for `wanted`: its minor version, then those after it, then the newest one.
fn versions_from(line: &Line, wanted: &str) -> Vec<&'static (&'static str, &'static [&'static str])> {
    let minor = line.versions.iter().position(|(version, _)| {
        *version == wanted || wanted.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'))
    });
    let number = |version: &str| -> Vec<u32> { version.split('.').filter_map(|part| part.parse().ok()).collect() };
    let first = minor.or_else(|| line.versions.iter().position(|(version, _)| number(version) > number(wanted)));
    match first {
        Some(first) => line.versions[first..].iter().take(2).collect(),
        None => line.versions.last().into_iter().collect(),
    }
}

/// Of `suites` those that are served today and newer than `than`, the most widely used first.
fn newer_suites<'a>(suites: &[&'a str], than: Option<&str>) -> Vec<&'a str> {
    let Some(than) = than else { return vec![] };
    let age = suites::age(than);
    let mut out: Vec<&str> = suites
        .iter()
        .copied()
        .filter(|name| {
            suites::named(name).is_some_and(|suite| suite.status == Status::Served) && suites::age(name) > age
        })
        .collect();
    out.sort_by_key(|name| *name != "bookworm");
    if out.is_empty() {
        // Older ones are better than none.
        out = suites
            .iter()
            .copied()
            .filter(|name| suites::named(name).is_some_and(|suite| suite.status == Status::Served))
            .collect();
    }
    out
}

/// The same image and minor version on a suite that is still served.
pub fn on_served_suite(reference: &Reference) -> Option<String> {
    let line = line_of(reference)?;
    let tag = Tag::read(&reference.tag);
    if !tag.strange.is_empty() || tag.alpine.is_some() {
        return None;
    }
    if line.image == "debian" || line.image == "ubuntu" {
        let distribution = if line.image == "debian" { Distribution::Debian } else { Distribution::Ubuntu };
        let old = match &tag.suite {
            Some(suite) => suites::named(suite),
            None => suites::numbered(distribution, &tag.version),
        };
        let new = suites::named(old?.successor)?;
        let name = if tag.suite.is_some() { new.name } else { new.version };
        let slim = if tag.slim { "-slim" } else { "" };
        return Some(reference.with_tag(&format!("{name}{slim}")));
    }
    let minor = line.versions.iter().find(|(version, _)| {
        *version == tag.version || tag.version.strip_prefix(version).is_some_and(|rest| rest.starts_with('.'))
    })?;
    let oldest = tag.suite.as_deref().unwrap_or("squeeze");
    let suite = *newer_suites(minor.1, Some(oldest)).first()?;
    let raised = Tag { version: minor.0.to_owned(), suite: Some(suite.to_owned()), ..tag };
    let written = raised.write(line);
    (written != reference.tag && has(line, &raised) == Some(true)).then(|| reference.with_tag(&written))
}

/// The image of the same version that is made on Debian, slim where there is such a variant, for one made on Alpine.
pub fn on_debian(reference: &Reference) -> Option<String> {
    let line = line_of(reference)?;
    let mut tag = Tag::read(&reference.tag);
    if !tag.strange.is_empty() || tag.version.is_empty() || tag.alpine.take().is_none() {
        return None;
    }
    tag.slim = line.slim;
    (has(line, &tag) != Some(false)).then(|| reference.with_tag(&tag.write(line)))
}

/// A word of the tag grammar that `word` misses by one slip.
fn corrected(line: &Line, word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let suites = line.versions.iter().flat_map(|(_, suites)| suites.iter().copied());
    let known: Vec<&str> = ["slim", "alpine"].into_iter().chain(suites).chain(line.flavours.iter().copied()).collect();
    let mut near: Vec<&str> = known.into_iter().filter(|each| one_slip(each, &lower)).collect();
    near.sort_unstable();
    near.dedup();
    match near.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    }
}

/// Whether one letter more, less, other, or two swapped make `a` of `b`.
pub fn one_slip(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (x, y) = (&a[start..], &b[start..]);
    if x.is_empty() && y.is_empty() {
        return false;
    }
    let tail = |list: &[char], from: usize| list.get(from..).map(<[char]>::to_vec);
    let swapped = x.len() >= 2 && y.len() >= 2 && x[0] == y[1] && x[1] == y[0] && x[2..] == y[2..];
    swapped
        || tail(x, 1).is_some_and(|rest| Some(rest) == tail(y, 1))
        || tail(x, 1).is_some_and(|rest| rest == y)
        || tail(y, 1).is_some_and(|rest| rest == x)
}

/// What became of an image that was retired or moved, with the tag to use there.
///
/// Sources: hub.docker.com/_/openjdk ("DEPRECATION NOTICE"), the .NET 5 announcement of mcr.microsoft.com/dotnet,
/// kubernetes.io/blog/2023/03/10/image-registry-redirect, github.com/bitnami/containers/issues/83267.
pub fn moved(reference: &Reference) -> Option<String> {
    let repository = reference.repository.as_str();
    if matches!(reference.official(), Some("openjdk" | "java" | "adoptopenjdk")) {
        return temurin(&reference.tag);
    }
    let prefixes = [
        ("k8s.gcr.io/", "registry.k8s.io/"),
        ("mcr.microsoft.com/dotnet/core/", "mcr.microsoft.com/dotnet/"),
        ("docker.io/bitnami/", "docker.io/bitnamilegacy/"),
        ("bitnami/", "bitnamilegacy/"),
    ];
    let (old, new) = prefixes.iter().find(|(old, _)| repository.starts_with(old))?;
    let moved = repository.replacen(old, new, 1);
    Some(format!("{moved}:{}", reference.tag))
}

/// The Eclipse Temurin tag with the Java version and the kind that an `openjdk` tag asks for.
fn temurin(tag: &str) -> Option<String> {
    let read = Tag::read(tag);
    let version = read.version.split(['.', 'u']).next().unwrap_or_default();
    if !["8", "11", "17", "21", "25"].contains(&version) {
        return None;
    }
    let kind = read.flavour.as_deref().filter(|kind| matches!(*kind, "jdk" | "jre")).unwrap_or("jdk");
    let alpine = if read.alpine.is_some() { "-alpine" } else { "" };
    Some(format!("eclipse-temurin:{version}-{kind}{alpine}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &str, expected: &[&str]) {
        let found = replacements(&Reference::parse(reference));
        let shown: Vec<&str> = found.iter().map(String::as_str).take(expected.len()).collect();
        assert_eq!(shown, expected, "{reference}: {found:?}");
    }

    #[test]
    fn a_tag_that_is_not_there_has_a_next_of_kin() {
        check("node:20-slim-bookworm", &["node:20-bookworm-slim"]);
        check("python:3.12-bookworm-slim", &["python:3.12-slim-bookworm"]);
        check("python:3.12.99-slim", &["python:3.12-slim", "python:3.13-slim"]);
        check("python:3.14-slim-buster", &["python:3.14-slim-bookworm"]);
        check("python:3.99", &["python:3.14"]);
        check("golang:1.22-slim", &["golang:1.22"]);
        check("node:20-alpin", &["node:20-alpine"]);
        check("node:20-alpine2.1", &["node:20-alpine"]);
        check("docker.io/library/ruby:3.3-slim-bokworm", &["docker.io/library/ruby:3.3-slim-bookworm"]);
        check("someone/python:3.12-bookworm-slim", &[]);
    }

    #[test]
    fn an_archived_suite_is_raised_with_version_and_variant_kept() {
        let raise = |text: &str| on_served_suite(&Reference::parse(text));
        assert_eq!(raise("python:3.8-slim-buster").as_deref(), Some("python:3.8-slim-bookworm"));
        assert_eq!(raise("python:3.8.5-buster").as_deref(), Some("python:3.8-bookworm"));
        assert_eq!(raise("node:12-stretch").as_deref(), Some("node:12-bullseye"));
        assert_eq!(raise("debian:buster-slim").as_deref(), Some("debian:bookworm-slim"));
        assert_eq!(raise("debian:9").as_deref(), Some("debian:12"));
        assert_eq!(raise("ubuntu:17.10").as_deref(), Some("ubuntu:18.04"));
        assert_eq!(raise("python:2.7-slim-buster"), None);
    }

    #[test]
    fn only_what_no_official_image_has_is_told_before_a_build() {
        let known = |text: &str| exists(&Reference::parse(text));
        for tag in [
            "debian:bookworm-20251103-slim",
            "nginx:1.27-alpine-slim",
            "node:20.11.1-bookworm-slim",
            "php:8.2-fpm-alpine3.18",
        ] {
            assert_ne!(known(tag), Some(false), "{tag}");
        }
        assert_eq!(known("python:3.12-slim"), Some(true));
        assert_eq!(known("node:20-slim-bookworm"), Some(false));
        assert_eq!(known("golang:1.22-slim"), Some(false));
    }

    #[test]
    fn retired_images_have_known_successors() {
        let to = |text: &str| moved(&Reference::parse(text));
        assert_eq!(to("openjdk:17-jdk-slim").as_deref(), Some("eclipse-temurin:17-jdk"));
        assert_eq!(to("openjdk:8-jre-alpine").as_deref(), Some("eclipse-temurin:8-jre-alpine"));
        assert_eq!(to("k8s.gcr.io/pause:3.2").as_deref(), Some("registry.k8s.io/pause:3.2"));
        assert_eq!(to("python:3"), None);
    }
}
