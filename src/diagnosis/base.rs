//! The image that a step of the Dockerfile runs on: which one, of which family and suite.

use super::Case;
use super::images::{Reference, Tag};
use super::suites::{self, Distribution};
use crate::dockerfile::StageBase;

/// Which package manager an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Debian,
    Alpine,
    RedHat,
}

/// The base of the stage a step belongs to, followed through stages that build on stages.
#[derive(Debug, Clone)]
pub struct Base {
    /// The stage whose `FROM` names the image.
    pub stage: usize,
    /// Line of that `FROM`.
    pub line: usize,
    pub image: Reference,
    /// Expanded and written form differ: the tag comes from an ARG.
    pub from_argument: bool,
}

/// The base under instruction `index`.
pub fn of(case: &Case<'_>, index: usize) -> Option<Base> {
    of_stage(case, case.dockerfile.stage_of(index)?)
}

/// The base of stage number `stage`.
pub fn of_stage(case: &Case<'_>, stage: usize) -> Option<Base> {
    let stages = case.dockerfile.stages();
    let mut at = stages.get(stage)?;
    // A stage can only build on an earlier one, so this ends.
    while let StageBase::Stage(earlier) = at.base {
        at = stages.get(earlier)?;
    }
    let StageBase::Image(image) = &at.base else { return None };
    let line = case.dockerfile.instructions().get(at.from)?.first_line;
    Some(Base { stage: at.index, line, image: Reference::parse(image), from_argument: *image != at.image })
}

impl Base {
    /// What the name and the tag tell; `None` for an image nobody here knows.
    pub fn family(&self) -> Option<Family> {
        const DEBIAN: &[&str] = &[
            "debian",
            "ubuntu",
            "python",
            "node",
            "golang",
            "ruby",
            "rust",
            "php",
            "nginx",
            "openjdk",
            "buildpack-deps",
            "perl",
            "maven",
            "gradle",
            "eclipse-temurin",
            "httpd",
            "postgres",
            "mysql",
            "mongo",
            "redis",
            "gcc",
            "elixir",
            "erlang",
            "composer",
            "swift",
            "julia",
            "r-base",
            "tomcat",
            "jruby",
            "haskell",
            "clojure",
        ];
        let tag = self.image.tag.as_str();
        let name = self.image.repository.rsplit('/').next().unwrap_or_default();
        if tag.contains("alpine") || name.contains("alpine") || self.image.official() == Some("docker") {
            return Some(Family::Alpine);
        }
        if ["centos", "fedora", "rockylinux", "almalinux", "oraclelinux", "amazonlinux"].contains(&name)
            || name.starts_with("ubi")
            || tag.contains("ubi8")
            || tag.contains("ubi9")
            || tag.contains("oracle")
        {
            return Some(Family::RedHat);
        }
        let official = self.image.official().is_some_and(|name| DEBIAN.contains(&name));
        (official || suites::named(name).is_some() || self.suite().is_some()).then_some(Family::Debian)
    }

    /// The code name of the Debian or Ubuntu release, where the tag says it.
    pub fn suite(&self) -> Option<&'static str> {
        let tag = Tag::read(&self.image.tag);
        if let Some(suite) = tag.suite.as_deref().and_then(suites::named) {
            return Some(suite.name);
        }
        let distribution = match self.image.official()? {
            "debian" => Distribution::Debian,
            "ubuntu" => Distribution::Ubuntu,
            _ => return None,
        };
        suites::numbered(distribution, &tag.version).map(|suite| suite.name)
    }
}
