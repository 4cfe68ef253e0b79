//! Which minor versions and suites the official images were published for.
//!
//! Source: the library files of github.com/docker-library/official-images and their history, as of 2025-11 (published tags
//! stay on the registry). What is not here is not known, which does not mean that it does not exist.

/// In which order an image writes the words of its tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// `3.12-slim-bookworm`
    SlimFirst,
    /// `20-bookworm-slim`
    SlimLast,
    /// `1.27-alpine-slim`, `1.27-bookworm-perl`
    FlavourLast,
}

pub(super) struct Line {
    pub(super) image: &'static str,
    pub(super) order: Order,
    pub(super) slim: bool,
    pub(super) alpine: bool,
    pub(super) flavours: &'static [&'static str],
    /// Oldest first, each with its suites, oldest first.
    pub(super) versions: &'static [(&'static str, &'static [&'static str])],
}

const BLANK: Line = Line { image: "", order: Order::SlimFirst, slim: true, alpine: true, flavours: &[], versions: &[] };

pub(super) const LINES: &[Line] = &[
    Line {
        image: "python",
        versions: &[
            ("2.7", &["wheezy", "jessie", "stretch", "buster"]),
            ("3.4", &["wheezy", "jessie", "stretch"]),
            ("3.5", &["jessie", "stretch", "buster"]),
            ("3.6", &["jessie", "stretch", "buster", "bullseye"]),
            ("3.7", &["stretch", "buster", "bullseye", "bookworm"]),
            ("3.8", &["buster", "bullseye", "bookworm"]),
            ("3.9", &["buster", "bullseye", "bookworm", "trixie"]),
            ("3.10", &["buster", "bullseye", "bookworm", "trixie"]),
            ("3.11", &["buster", "bullseye", "bookworm", "trixie"]),
            ("3.12", &["bullseye", "bookworm", "trixie"]),
            ("3.13", &["bullseye", "bookworm", "trixie"]),
            ("3.14", &["bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "node",
        order: Order::SlimLast,
        flavours: &["onbuild"],
        versions: &[
            ("6", &["jessie", "stretch"]),
            ("8", &["jessie", "stretch", "buster"]),
            ("10", &["jessie", "stretch", "buster"]),
            ("12", &["stretch", "buster", "bullseye"]),
            ("14", &["stretch", "buster", "bullseye"]),
            ("16", &["stretch", "buster", "bullseye", "bookworm"]),
            ("18", &["buster", "bullseye", "bookworm"]),
            ("20", &["buster", "bullseye", "bookworm", "trixie"]),
            ("22", &["bullseye", "bookworm", "trixie"]),
            ("24", &["bullseye", "bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "golang",
        slim: false,
        versions: &[
            ("1.11", &["stretch"]),
            ("1.12", &["stretch", "buster"]),
            ("1.13", &["stretch", "buster"]),
            ("1.14", &["stretch", "buster"]),
            ("1.15", &["stretch", "buster"]),
            ("1.16", &["stretch", "buster", "bullseye"]),
            ("1.17", &["buster", "bullseye"]),
            ("1.18", &["buster", "bullseye"]),
            ("1.19", &["bullseye"]),
            ("1.20", &["bullseye", "bookworm"]),
            ("1.21", &["bullseye", "bookworm"]),
            ("1.22", &["bullseye", "bookworm"]),
            ("1.23", &["bullseye", "bookworm"]),
            ("1.24", &["bullseye", "bookworm", "trixie"]),
            ("1.25", &["bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "ruby",
        versions: &[
            ("2.3", &["jessie", "stretch"]),
            ("2.4", &["jessie", "stretch", "buster"]),
            ("2.5", &["stretch", "buster"]),
            ("2.6", &["stretch", "buster", "bullseye"]),
            ("2.7", &["buster", "bullseye"]),
            ("3.0", &["buster", "bullseye"]),
            ("3.1", &["buster", "bullseye", "bookworm"]),
            ("3.2", &["bullseye", "bookworm"]),
            ("3.3", &["bullseye", "bookworm", "trixie"]),
            ("3.4", &["bullseye", "bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "rust",
        versions: &[
            ("1.60", &["buster", "bullseye"]),
            ("1.65", &["buster", "bullseye"]),
            ("1.67", &["buster", "bullseye"]),
            ("1.70", &["buster", "bullseye", "bookworm"]),
            ("1.72", &["buster", "bullseye", "bookworm"]),
            ("1.74", &["buster", "bullseye", "bookworm"]),
            ("1.76", &["buster", "bullseye", "bookworm"]),
            ("1.78", &["buster", "bullseye", "bookworm"]),
            ("1.80", &["bullseye", "bookworm"]),
            ("1.82", &["bullseye", "bookworm"]),
            ("1.84", &["bullseye", "bookworm"]),
            ("1.86", &["bullseye", "bookworm"]),
            ("1.88", &["bullseye", "bookworm"]),
            ("1.90", &["bullseye", "bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "php",
        slim: false,
        flavours: &["cli", "apache", "fpm", "zts"],
        versions: &[
            ("5.6", &["jessie", "stretch"]),
            ("7.0", &["jessie", "stretch"]),
            ("7.1", &["jessie", "stretch", "buster"]),
            ("7.2", &["stretch", "buster"]),
            ("7.3", &["stretch", "buster", "bullseye"]),
            ("7.4", &["buster", "bullseye"]),
            ("8.0", &["buster", "bullseye"]),
            ("8.1", &["buster", "bullseye", "bookworm"]),
            ("8.2", &["buster", "bullseye", "bookworm", "trixie"]),
            ("8.3", &["bullseye", "bookworm", "trixie"]),
            ("8.4", &["bullseye", "bookworm", "trixie"]),
        ],
        ..BLANK
    },
    Line {
        image: "eclipse-temurin",
        slim: false,
        flavours: &["jdk", "jre"],
        versions: &[
            ("8", &["focal", "jammy", "noble"]),
            ("11", &["focal", "jammy", "noble"]),
            ("17", &["focal", "jammy", "noble"]),
            ("21", &["jammy", "noble"]),
        ],
        ..BLANK
    },
    Line {
        image: "nginx",
        order: Order::FlavourLast,
        flavours: &["perl", "otel"],
        versions: &[
            ("1.14", &[]),
            ("1.16", &[]),
            ("1.18", &[]),
            ("1.20", &[]),
            ("1.21", &[]),
            ("1.22", &[]),
            ("1.23", &["bullseye"]),
            ("1.24", &["bullseye"]),
            ("1.25", &["bookworm"]),
            ("1.26", &["bookworm"]),
            ("1.27", &["bookworm"]),
            ("1.28", &["bookworm"]),
            ("1.29", &["bookworm", "trixie"]),
            ("mainline", &[]),
            ("stable", &[]),
        ],
        ..BLANK
    },
    Line {
        image: "debian",
        order: Order::SlimLast,
        alpine: false,
        versions: &[
            ("", &["jessie", "stretch", "buster", "bullseye", "bookworm", "trixie"]),
            ("8", &[]),
            ("9", &[]),
            ("10", &[]),
            ("11", &[]),
            ("12", &[]),
            ("13", &[]),
            ("stable", &[]),
        ],
        ..BLANK
    },
    Line {
        image: "ubuntu",
        order: Order::SlimLast,
        slim: false,
        alpine: false,
        versions: &[
            ("", &["trusty", "xenial", "bionic", "focal", "jammy", "noble"]),
            ("14.04", &[]),
            ("16.04", &[]),
            ("18.04", &[]),
            ("20.04", &[]),
            ("22.04", &[]),
            ("24.04", &[]),
        ],
        ..BLANK
    },
    Line {
        image: "alpine",
        slim: false,
        alpine: false,
        versions: &[
            ("3.10", &[]),
            ("3.11", &[]),
            ("3.12", &[]),
            ("3.13", &[]),
            ("3.14", &[]),
            ("3.15", &[]),
            ("3.16", &[]),
            ("3.17", &[]),
            ("3.18", &[]),
            ("3.19", &[]),
            ("3.20", &[]),
            ("3.21", &[]),
            ("3.22", &[]),
        ],
        ..BLANK
    },
];
