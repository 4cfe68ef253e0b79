//! Versions of Python packages as PEP 440 orders them, and which of them an interpreter can install.

use std::cmp::Ordering;

use crate::knowledge::Release;

/// A version that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    epoch: u64,
    release: Vec<u64>,
    /// alpha, beta, candidate as 0, 1, 2.
    pre: Option<(u8, u64)>,
    post: Option<u64>,
    dev: Option<u64>,
}

impl Version {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']).to_ascii_lowercase();
        let text = text.split('+').next().unwrap_or_default();
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, rest)) => (epoch.parse().ok()?, rest),
            None => (0, text),
        };
        let end = text.find(|each: char| !(each.is_ascii_digit() || each == '.')).unwrap_or(text.len());
        let numbers = text[..end].trim_end_matches('.');
        let release: Vec<u64> = numbers.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let mut version = Self { epoch, release, pre: None, post: None, dev: None };
        let mut rest = &text[end..];
        while !rest.is_empty() {
            rest = rest.trim_start_matches(['.', '-', '_']);
            let word_end = rest.find(|each: char| !each.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(word_end);
            let tail = tail.trim_start_matches(['.', '-', '_']);
            let digits = tail.find(|each: char| !each.is_ascii_digit()).unwrap_or(tail.len());
            let number = if digits == 0 { 0 } else { tail[..digits].parse().ok()? };
            match word {
                "a" | "alpha" => version.pre = Some((0, number)),
                "b" | "beta" => version.pre = Some((1, number)),
                "c" | "rc" | "pre" | "preview" => version.pre = Some((2, number)),
                "post" | "r" | "rev" => version.post = Some(number),
                "dev" => version.dev = Some(number),
                "" if digits > 0 => version.post = Some(number),
                _ => return None,
            }
            rest = &tail[digits..];
        }
        Some(version)
    }

    pub fn is_preview(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// Number `index` of the release; what is not written is 0.
    pub fn part(&self, index: usize) -> u64 {
        self.release.get(index).copied().unwrap_or(0)
    }

    /// How far two releases lie apart: by the foremost number that differs; what follows it is of another series.
    fn distance(&self, other: &Self) -> [u64; 4] {
        let mut out = [0; 4];
        for (index, gap) in out.iter_mut().enumerate() {
            *gap = self.part(index).abs_diff(other.part(index));
            if *gap > 0 {
                break;
            }
        }
        out
    }

    fn phase(&self) -> (i8, u64) {
        match (self.pre, self.post, self.dev) {
            (Some((kind, number)), ..) => (kind.cast_signed(), number),
            (None, None, Some(_)) => (-1, 0),
            _ => (3, 0),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let longest = self.release.len().max(other.release.len());
        let release = (0..longest).map(|index| self.part(index).cmp(&other.part(index)));
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| release.fold(Ordering::Equal, Ordering::then))
            .then_with(|| self.phase().cmp(&other.phase()))
            .then_with(|| self.post.cmp(&other.post))
            .then_with(|| self.dev.unwrap_or(u64::MAX).cmp(&other.dev.unwrap_or(u64::MAX)))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether `version` lies in `specifier` (`>=3.8,<4,!=3.9.*`). What cannot be read allows everything.
pub fn allows(specifier: &str, version: &Version) -> bool {
    specifier.split(',').map(str::trim).filter(|clause| !clause.is_empty()).all(|clause| {
        let end = clause.find(|each: char| !"<>=!~".contains(each)).unwrap_or(clause.len());
        let (operator, bound) = (&clause[..end], clause[end..].trim());
        let starred = bound.strip_suffix(".*");
        let Some(limit) = Version::parse(starred.unwrap_or(bound)) else { return true };
        let inside = |parts: usize| (0..parts).all(|index| version.part(index) == limit.part(index));
        match operator {
            "==" | "===" if starred.is_some() => inside(limit.release.len()),
            "!=" if starred.is_some() => !inside(limit.release.len()),
            "==" | "===" => *version == limit || version.cmp(&limit).is_eq(),
            "!=" => version.cmp(&limit).is_ne(),
            ">=" => *version >= limit,
            "<=" => *version <= limit,
            ">" => *version > limit,
            "<" => *version < limit,
            "~=" => *version >= limit && inside(limit.release.len().saturating_sub(1)),
            _ => true,
        }
    })
}

/// A Python minor: 3.12 is `Minor(3, 12)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u64, pub u64);

impl std::fmt::Display for Minor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Minor {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.trim().parse::<u64>());
        Some(Self(parts.next()?.ok()?, parts.next()?.ok()?))
    }

    /// Whether `requires` (`>=3.8,<3.12`) lets some release of this minor in.
    pub fn within(self, requires: &str) -> bool {
        // Bounds such as `>=3.7.1` name a patch release; images carry late ones.
        [0, 18].iter().any(|patch| {
            let version = Version { epoch: 0, release: vec![self.0, self.1, *patch], pre: None, post: None, dev: None };
            allows(requires, &version)
        })
    }
}

/// How a release can be installed on an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Ready to use.
    Wheel,
    /// It has to be built from source.
    Source,
    No,
}

/// How `release` installs on Python `minor`, on musl libc (Alpine) or glibc, on x86-64.
pub fn fit(release: &Release, minor: Minor, musl: bool) -> Fit {
    if release.requires.as_deref().is_some_and(|requires| !minor.within(requires)) {
        return Fit::No;
    }
    if release.wheels.iter().any(|wheel| wheel_fits(wheel, minor, musl)) {
        return Fit::Wheel;
    }
    if release.has_source { Fit::Source } else { Fit::No }
}

fn wheel_fits(tags: &str, minor: Minor, musl: bool) -> bool {
    let parts: Vec<&str> = tags.trim_end_matches(".whl").split('-').collect();
    let (Some(interpreters), Some(platform)) = (parts.first(), parts.last()) else { return false };
    let stable_abi = parts.contains(&"abi3");
    let platform_fits = platform.split('.').any(|each| {
        each == "any"
            || each.ends_with("x86_64")
                && if musl {
                    each.starts_with("musllinux")
                } else {
                    each.starts_with("manylinux") || each.starts_with("linux")
                }
    });
    let own = format!("cp{}{}", minor.0, minor.1);
    let interpreter_fits = interpreters.split('.').any(|each| {
        each == own
            || each == format!("py{}", minor.0)
            || each == format!("py{}{}", minor.0, minor.1)
            || stable_abi
                && each
                    .strip_prefix(&format!("cp{}", minor.0))
                    .and_then(|number| number.parse::<u64>().ok())
                    .is_some_and(|least| least <= minor.1)
    });
    platform_fits && interpreter_fits
}

/// The version in `candidates` nearest to `wanted`: same major and minor before same major before others, and of two
/// equally near the newer one.
pub fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = Version::parse(wanted)?;
    candidates
        .filter_map(|text| Version::parse(text).map(|version| (text, version)))
        .filter(|(_, version)| !version.is_preview() || wanted.is_preview())
        .min_by(|(_, a), (_, b)| a.distance(&wanted).cmp(&b.distance(&wanted)).then_with(|| b.cmp(a)))
        .map(|(text, _)| text)
}

/// The newest version that is no preview.
pub fn newest<'a>(candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .filter_map(|text| Version::parse(text).map(|version| (text, version)))
        .filter(|(_, version)| !version.is_preview())
        .max_by(|(_, a), (_, b)| a.cmp(b))
        .map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_pip_orders_them() {
        let sorted = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.10", "2", "1!0.1"];
        for pair in sorted.windows(2) {
            assert!(Version::parse(pair[0]) < Version::parse(pair[1]), "{pair:?}");
        }
        assert!(Version::parse("1.0").expect("a").cmp(&Version::parse("1.0.0").expect("b")).is_eq());
        assert_eq!(Version::parse("master"), None);
    }

    #[test]
    fn specifiers_are_read_as_pip_reads_them() {
        let check = |specifier: &str, version: &str| allows(specifier, &Version::parse(version).expect("a version"));
        assert!(check(">=3.8,<3.12", "3.11.4") && !check(">=3.8,<3.12", "3.12.0"));
        assert!(check("~=1.4.2", "1.4.9") && !check("~=1.4.2", "1.5.0") && check("~=1.4", "1.9"));
        assert!(check("==3.9.*", "3.9.1") && !check("!=3.9.*", "3.9.1"));
        assert!(Minor(3, 12).within(">=3.7.1") && Minor(3, 7).within(">=3.7.1") && !Minor(3, 13).within(">=3.8,<3.13"));
    }

    #[test]
    fn wheels_are_matched_by_interpreter_libc_and_abi() {
        assert!(wheel_fits("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", Minor(3, 11), false));
        assert!(wheel_fits("cp311-manylinux_2_17_x86_64", Minor(3, 11), false));
        assert!(!wheel_fits("cp311-manylinux_2_17_x86_64", Minor(3, 13), false));
        assert!(!wheel_fits("cp311-manylinux_2_17_aarch64", Minor(3, 11), false));
        assert!(!wheel_fits("cp311-manylinux_2_17_x86_64", Minor(3, 11), true));
        assert!(wheel_fits("cp37-abi3-manylinux_2_17_x86_64", Minor(3, 13), false));
        assert!(wheel_fits("py2.py3-none-any", Minor(3, 13), true));
    }

    #[test]
    fn the_nearest_version_keeps_the_foremost_numbers() {
        let versions = ["1.24.4", "1.25.2", "1.26.4", "2.0.0", "2.1.0rc1"];
        assert_eq!(nearest("1.24.9", versions.into_iter()), Some("1.24.4"));
        assert_eq!(nearest("1.27.0", versions.into_iter()), Some("1.26.4"));
        assert_eq!(newest(versions.into_iter()), Some("2.0.0"));
    }
}
