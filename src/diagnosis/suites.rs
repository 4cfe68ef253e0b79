//! Releases of Debian and Ubuntu: which are still served, and what comes after one that is not.
//!
//! Sources: wiki.debian.org/DebianReleases and wiki.ubuntu.com/Releases as of November 2025. An Ubuntu LTS stays on
//! archive.ubuntu.com after its standard support (ESM); interim releases move to old-releases.ubuntu.com.

/// Where a release is found today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Served,
    /// Moved to archive.debian.org or old-releases.ubuntu.com.
    Archived,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distribution {
    Debian,
    Ubuntu,
}

#[derive(Debug)]
pub struct Suite {
    pub distribution: Distribution,
    pub name: &'static str,
    /// `10`, `17.10`: how image tags may call it too.
    pub version: &'static str,
    pub status: Status,
    /// The release to move to when this one is archived: the nearest that is served and supported for long.
    pub successor: &'static str,
}

const fn debian(name: &'static str, version: &'static str, status: Status, successor: &'static str) -> Suite {
    Suite { distribution: Distribution::Debian, name, version, status, successor }
}

const fn ubuntu(name: &'static str, version: &'static str, status: Status, successor: &'static str) -> Suite {
    Suite { distribution: Distribution::Ubuntu, name, version, status, successor }
}

/// Oldest first.
pub const SUITES: &[Suite] = &[
    debian("squeeze", "6", Status::Archived, "bookworm"),
    debian("wheezy", "7", Status::Archived, "bookworm"),
    debian("jessie", "8", Status::Archived, "bookworm"),
    debian("stretch", "9", Status::Archived, "bookworm"),
    debian("buster", "10", Status::Archived, "bookworm"),
    debian("bullseye", "11", Status::Served, "bookworm"),
    debian("bookworm", "12", Status::Served, "trixie"),
    debian("trixie", "13", Status::Served, "trixie"),
    ubuntu("precise", "12.04", Status::Archived, "trusty"),
    ubuntu("quantal", "12.10", Status::Archived, "trusty"),
    ubuntu("raring", "13.04", Status::Archived, "trusty"),
    ubuntu("saucy", "13.10", Status::Archived, "trusty"),
    ubuntu("trusty", "14.04", Status::Served, "xenial"),
    ubuntu("utopic", "14.10", Status::Archived, "xenial"),
    ubuntu("vivid", "15.04", Status::Archived, "xenial"),
    ubuntu("wily", "15.10", Status::Archived, "xenial"),
    ubuntu("xenial", "16.04", Status::Served, "bionic"),
    ubuntu("yakkety", "16.10", Status::Archived, "bionic"),
    ubuntu("zesty", "17.04", Status::Archived, "bionic"),
    ubuntu("artful", "17.10", Status::Archived, "bionic"),
    ubuntu("bionic", "18.04", Status::Served, "focal"),
    ubuntu("cosmic", "18.10", Status::Archived, "focal"),
    ubuntu("disco", "19.04", Status::Archived, "focal"),
    ubuntu("eoan", "19.10", Status::Archived, "focal"),
    ubuntu("focal", "20.04", Status::Served, "jammy"),
    ubuntu("groovy", "20.10", Status::Archived, "jammy"),
    ubuntu("hirsute", "21.04", Status::Archived, "jammy"),
    ubuntu("impish", "21.10", Status::Archived, "jammy"),
    ubuntu("jammy", "22.04", Status::Served, "noble"),
    ubuntu("kinetic", "22.10", Status::Archived, "noble"),
    ubuntu("lunar", "23.04", Status::Archived, "noble"),
    ubuntu("mantic", "23.10", Status::Archived, "noble"),
    ubuntu("noble", "24.04", Status::Served, "noble"),
    ubuntu("oracular", "24.10", Status::Archived, "noble"),
];

/// A release by its code name, also as apt writes it: `stretch-updates`, `buster/updates`, `xenial-security`.
pub fn named(text: &str) -> Option<&'static Suite> {
    let name = text.split(['-', '/']).next().unwrap_or(text).to_ascii_lowercase();
    SUITES.iter().find(|suite| suite.name == name)
}

/// A release by number, as tags of `debian` and `ubuntu` have it: `10`, `10.13`, `17.10`.
pub fn numbered(distribution: Distribution, version: &str) -> Option<&'static Suite> {
    let wanted = match distribution {
        Distribution::Debian => version.split('.').next().unwrap_or(version),
        Distribution::Ubuntu => version,
    };
    SUITES.iter().find(|suite| suite.distribution == distribution && suite.version == wanted)
}

/// The place in `SUITES`: a later one is newer within its distribution.
pub fn age(name: &str) -> Option<usize> {
    SUITES.iter().position(|suite| suite.name == name)
}
