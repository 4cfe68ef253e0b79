//! Which Python can install which release: read from `requires-python` and the wheel tags, nothing else.
//!
//! Everything is judged for CPython on glibc Linux, x86-64: that is what Render runs and what the official `python`
//! images hold (their Alpine variants excepted).

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

use super::Release;

/// Minor versions of CPython 3 that [`pythons_with_wheel`] considers: 3.5 and older cannot be had as an image any more.
const MINORS: std::ops::RangeInclusive<u32> = 6..=15;

/// Patch assumed where only `3.13` is known: images move to the newest patch, so it stands above every real one.
const PATCH_UNKNOWN: u64 = 99;

/// Newest glibc a wheel may ask for (`manylinux_2_41`): that of Debian 13, the base of today's `python` images.
const GLIBC_MINOR_MAX: u32 = 41;

/// Whether pip could install `release` on `python` (`3.13`, `3.11.7`): by a wheel, or by building its source.
pub fn supports_python(release: &Release, python: &str) -> bool {
    allows_python(release, python) && (has_wheel(release, python) || release.has_source)
}

/// Whether `requires-python` admits `python`; what nobody could read is taken as no demand, as pip does.
pub fn allows_python(release: &Release, python: &str) -> bool {
    requires_admits(release.requires.as_deref(), python)
}

/// Whether a wheel of `release` fits `python`, whatever `requires-python` says.
pub fn has_wheel(release: &Release, python: &str) -> bool {
    minor(python).is_some_and(|minor| release.wheels.iter().any(|tag| wheel_fits(tag, minor)))
}

/// The version nearest to `wanted` that installs on `python` from a wheel.
///
/// Nearest means least surprise for working code: `wanted` itself, then the smallest upgrade within its major version,
/// then the next majors from below, and only then older versions, newest first. Yanked and pre-releases are passed over.
pub fn nearest<'a>(releases: &'a [Release], wanted: &str, python: &str) -> Option<&'a Release> {
    let wanted = Version::from_str(wanted).ok()?;
    releases
        .iter()
        .filter(|release| !release.yanked && allows_python(release, python) && has_wheel(release, python))
        .filter_map(|release| Version::from_str(&release.version).ok().map(|version| (version, release)))
        .filter(|(version, _)| *version == wanted || !version.any_prerelease())
        .min_by(|(left, _), (right, _)| distance(left, &wanted).cmp(&distance(right, &wanted)))
        .map(|(_, release)| release)
}

/// The Pythons (`3.8`, …, `3.11`) on which `version` installs from a wheel, oldest first.
pub fn pythons_with_wheel(releases: &[Release], version: &str) -> Vec<String> {
    let Some(release) = release_of(releases, version) else { return Vec::new() };
    MINORS
        .map(|minor| format!("3.{minor}"))
        .filter(|python| allows_python(release, python) && has_wheel(release, python))
        .collect()
}

/// The release of that version, however it is spelt: `1.0` and `1.0.0`, `2024.01` and `2024.1` are the same.
pub fn release_of<'a>(releases: &'a [Release], version: &str) -> Option<&'a Release> {
    let wanted = Version::from_str(version).ok()?;
    releases.iter().find(|release| Version::from_str(&release.version).is_ok_and(|version| version == wanted))
}

/// How far `version` is from `wanted`: smaller is nearer. See [`nearest`].
pub(crate) fn distance(version: &Version, wanted: &Version) -> impl Ord + use<> {
    let major = |version: &Version| (version.epoch(), version.release().first().copied().unwrap_or(0));
    match version.cmp(wanted) {
        std::cmp::Ordering::Less => (2, None, Some(std::cmp::Reverse(version.clone()))),
        _ if major(version) == major(wanted) => (0, Some(version.clone()), None),
        _ => (1, Some(version.clone()), None),
    }
}

/// Whether a `requires-python` text admits `python`.
pub(crate) fn requires_admits(requires: Option<&str>, python: &str) -> bool {
    let Some(requires) = requires.map(str::trim).filter(|text| !text.is_empty()) else { return true };
    match (VersionSpecifiers::from_str(requires), full_version(python)) {
        (Ok(specifiers), Some(python)) => specifiers.contains(&python),
        _ => true,
    }
}

/// `3.13` with a patch number, so that it can be compared.
pub(crate) fn full_version(python: &str) -> Option<Version> {
    let version = Version::from_str(python.trim()).ok()?;
    match *version.release() {
        [major] => Some(Version::new([major, u64::from(*MINORS.end()), PATCH_UNKNOWN])),
        [major, minor] => Some(Version::new([major, minor, PATCH_UNKNOWN])),
        _ => Some(version),
    }
}

/// The `13` of `3.13.1`; `None` for anything that is not CPython 3.
pub(crate) fn minor(python: &str) -> Option<u32> {
    let version = full_version(python)?;
    match *version.release() {
        [3, minor, ..] => u32::try_from(minor).ok(),
        _ => None,
    }
}

/// Whether a wheel tag (`cp313-cp313-manylinux_2_17_x86_64`, `py2.py3-none-any`) fits CPython 3.`minor`.
///
/// Source: <https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>
pub(crate) fn wheel_fits(tag: &str, minor: u32) -> bool {
    let mut parts = tag.rsplitn(3, '-');
    let (platform, second, first) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let (pythons, abis) = match (first, second) {
        (Some(python), Some(abi)) => (python, abi),
        // Without an ABI: that of the named Python, or none.
        (None, Some(python)) => (python, if python.starts_with("cp") { python } else { "none" }),
        _ => return false,
    };
    platform.split('.').any(platform_fits)
        && pythons.split('.').any(|python| abis.split('.').any(|abi| python_fits(python, abi, minor)))
}

fn python_fits(python: &str, abi: &str, minor: u32) -> bool {
    let own = format!("cp3{minor}");
    if let Some(number) = python.strip_prefix("cp3").and_then(|text| text.parse::<u32>().ok()) {
        return match abi {
            "abi3" => number <= minor,
            "none" => number == minor,
            // Up to 3.7 the ABI carried an `m`.
            _ => number == minor && (abi == own || (minor <= 7 && abi.strip_suffix('m') == Some(own.as_str()))),
        };
    }
    abi == "none"
        && match python.strip_prefix("py3") {
            Some("") => true,
            Some(number) => number.parse::<u32>().is_ok_and(|number| number <= minor),
            None => python == "cp3",
        }
}

fn platform_fits(platform: &str) -> bool {
    match platform {
        "any" | "linux_x86_64" | "manylinux1_x86_64" | "manylinux2010_x86_64" | "manylinux2014_x86_64" => true,
        _ => platform
            .strip_prefix("manylinux_2_")
            .and_then(|rest| rest.strip_suffix("_x86_64"))
            .and_then(|glibc| glibc.parse::<u32>().ok())
            .is_some_and(|glibc| glibc <= GLIBC_MINOR_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, requires: &str, wheels: &[&str], has_source: bool) -> Release {
        Release {
            version: version.to_owned(),
            requires: Some(requires.to_owned()).filter(|text| !text.is_empty()),
            yanked: false,
            wheels: wheels.iter().map(|&tag| tag.to_owned()).collect(),
            has_source,
        }
    }

    fn numpy() -> Vec<Release> {
        let wheel = |minor: u32| format!("cp3{minor}-cp3{minor}-manylinux_2_17_x86_64.manylinux2014_x86_64");
        let wheels = |range: std::ops::RangeInclusive<u32>| range.map(wheel).collect::<Vec<_>>();
        let of = |version, requires, range| Release { wheels: wheels(range), ..release(version, requires, &[], true) };
        vec![
            of("1.24.4", ">=3.8", 8..=11),
            of("1.26.4", ">=3.9", 9..=12),
            of("2.0.2", ">=3.9", 9..=12),
            of("2.1.0", ">=3.10", 10..=13),
            of("2.2.0rc1", ">=3.10", 10..=13),
            of("2.2.0", ">=3.10", 10..=13),
        ]
    }

    #[test]
    fn numpy_1_24_has_wheels_up_to_python_3_11() {
        assert_eq!(pythons_with_wheel(&numpy(), "1.24.4"), ["3.8", "3.9", "3.10", "3.11"]);
        assert_eq!(pythons_with_wheel(&numpy(), "9.9"), [""; 0]);
    }

    #[test]
    fn source_counts_as_support_unless_python_is_excluded() {
        let numpy = numpy();
        assert!(supports_python(&numpy[0], "3.13"));
        assert!(!has_wheel(&numpy[0], "3.13"));
        assert!(!supports_python(&release("1", ">=3.7,<3.11", &["py3-none-any"], true), "3.11"));
        assert!(!supports_python(&release("1", "", &["cp313-cp313-win_amd64"], false), "3.13"));
    }

    #[test]
    fn nearest_climbs_within_the_major_then_to_the_next_one_then_down() {
        let numpy = numpy();
        let version = |wanted, python| nearest(&numpy, wanted, python).map(|release| release.version.as_str());
        assert_eq!(version("1.24.4", "3.11"), Some("1.24.4"));
        assert_eq!(version("1.24.4", "3.12"), Some("1.26.4"));
        assert_eq!(version("1.24.4", "3.13"), Some("2.1.0"));
        assert_eq!(version("2.2.1", "3.12"), Some("2.2.0"));
        assert_eq!(version("1.24.4", "3.14"), None);
    }

    #[test]
    fn wheel_tags_are_read_as_pip_reads_them() {
        for (tag, minor, fits) in [
            ("py3-none-any", 13, true),
            ("py2.py3-none-any", 8, true),
            ("py2-none-any", 8, false),
            ("py37-none-any", 13, true),
            ("cp310-abi3-manylinux2014_x86_64", 13, true),
            ("cp310-abi3-manylinux2014_x86_64", 9, false),
            ("cp313-cp313t-manylinux_2_17_x86_64", 13, false),
            ("cp313-manylinux_2_17_x86_64", 13, true),
            ("cp37-cp37m-manylinux1_x86_64", 7, true),
            ("cp313-cp313-musllinux_1_2_x86_64", 13, false),
            ("cp313-cp313-manylinux_2_17_aarch64", 13, false),
            ("cp39-none-manylinux1_x86_64", 9, true),
        ] {
            assert_eq!(wheel_fits(tag, minor), fits, "{tag} on 3.{minor}");
        }
    }

    #[test]
    fn a_bare_minor_is_its_newest_patch() {
        assert!(requires_admits(Some(">=3.13.1"), "3.13"));
        assert!(!requires_admits(Some("<=3.13"), "3.13"));
        assert!(requires_admits(Some("not a specifier"), "3.13"));
    }
}
