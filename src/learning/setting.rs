//! The setting of a service: what kind of project on what kind of base image.

use serde::{Deserialize, Serialize};

use crate::diagnosis::toolchain;
use crate::dockerfile::{Dockerfile, StageBase};
use crate::workspace::Workspace;

/// What of a service decides whether a remedy that helped another helps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setting {
    /// `python`, `node`, …; empty when the files do not tell.
    pub ecosystem: String,
    /// `debian`, `alpine`, …
    pub family: String,
}

/// Images that are named after what runs in them.
const IMAGES: &[(&str, &str)] = &[
    ("python", "python"),
    ("node", "node"),
    ("golang", "go"),
    ("ruby", "ruby"),
    ("rust", "rust"),
    ("php", "php"),
    ("nginx", "nginx"),
    ("openjdk", "java"),
    ("eclipse-temurin", "java"),
    ("maven", "java"),
    ("gradle", "java"),
];

/// Manifests, for images that are named after a distribution.
const MANIFESTS: &[(&str, &str)] = &[
    ("requirements.txt", "python"),
    ("pyproject.toml", "python"),
    ("Pipfile", "python"),
    ("package.json", "node"),
    ("go.mod", "go"),
    ("Gemfile", "ruby"),
    ("Cargo.toml", "rust"),
    ("composer.json", "php"),
    ("pom.xml", "java"),
    ("build.gradle", "java"),
];

impl Setting {
    /// Of the service whose Dockerfile stands at `dockerfile_path`. What it builds with says more than what it runs on, so the
    /// first image that is named after an ecosystem counts.
    pub fn of(workspace: &Workspace, dockerfile_path: &str) -> Self {
        let dockerfile = Dockerfile::parse(workspace.text(dockerfile_path).unwrap_or_default());
        let stages = dockerfile.stages();
        let images = || {
            stages.iter().filter_map(|stage| match &stage.base {
                StageBase::Image(image) => Some(image.as_str()),
                _ => None,
            })
        };
        let named = images().find_map(|image| IMAGES.iter().find(|(name, _)| *name == toolchain::name(image)));
        let folder = dockerfile_path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let beside = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let listed = || MANIFESTS.iter().find(|(file, _)| workspace.contains(&beside(file)));
        let ecosystem = named.or_else(listed).map_or("", |(_, ecosystem)| ecosystem);
        let family = images().next_back().map_or("", family_of);
        Self { ecosystem: ecosystem.to_owned(), family: family.to_owned() }
    }

    /// Where the record of `remedy` for `class` stands.
    pub(super) fn key(&self, class: &str, remedy: &str) -> String {
        format!("{class}/{remedy}@{}/{}", self.ecosystem, self.family)
    }
}

fn family_of(image: &str) -> &'static str {
    let says = |word: &str| image.contains(word);
    match toolchain::name(image) {
        _ if says("alpine") => "alpine",
        "scratch" | "busybox" => "bare",
        _ if says("distroless") => "bare",
        "fedora" | "centos" | "almalinux" | "rockylinux" | "amazonlinux" => "redhat",
        _ if says("/ubi") => "redhat",
        "ubuntu" => "ubuntu",
        _ => "debian",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_what_is_built_on_what() {
        let check = |dockerfile: &str, file: &str, ecosystem: &str, family: &str| {
            let workspace = Workspace::of(&[("Dockerfile", dockerfile), (file, "")]);
            let expected = Setting { ecosystem: ecosystem.into(), family: family.into() };
            assert_eq!(Setting::of(&workspace, "Dockerfile"), expected, "{dockerfile}");
        };
        check("FROM python:3.12-slim\n", "x", "python", "debian");
        check("FROM golang:1.23 AS build\nFROM alpine:3\nCOPY --from=build /a /a\n", "x", "go", "alpine");
        check("FROM debian:bookworm\n", "requirements.txt", "python", "debian");
        check("FROM ubuntu:24.04\n", "notes", "", "ubuntu");
    }
}
