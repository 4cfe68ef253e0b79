//! Toolchain images: which version of a language an image holds, and the same image with another one.

use crate::diagnosis::Case;
use crate::dockerfile::{StageBase, edit};
use crate::remedy::{Applicability, Edit, Remedy};

/// Suites that images of newer toolchains are no longer made for.
const OLD_SUITES: [&str; 5] = ["wheezy", "jessie", "stretch", "buster", "bullseye"];

/// The repository name without registry and `library/`, and the tag.
pub fn parts(reference: &str) -> (&str, &str) {
    let bare = reference.split('@').next().unwrap_or(reference);
    match bare.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (bare, ""),
    }
}

/// The last part of the repository name: `node` of `docker.io/library/node:20`.
pub fn name(reference: &str) -> &str {
    let (name, _) = parts(reference);
    name.rsplit('/').next().unwrap_or(name)
}

/// The version a tag starts with: `20.1` of `20.1-slim`. Empty without one.
pub fn version(reference: &str) -> String {
    let (_, tag) = parts(reference);
    tag.chars().take_while(|each| each.is_ascii_digit() || *each == '.').collect()
}

/// The numbers of a version, for comparing: `1.21.3` → `[1, 21, 3]`.
pub fn numbers(version: &str) -> Vec<u32> {
    let digits = version.trim_start_matches(|each: char| !each.is_ascii_digit());
    digits
        .split('.')
        .map_while(|part| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok())
        .collect()
}

/// `reference` with `version` instead of its own. The variant stays; what belongs to an old suite or a numbered Alpine
/// becomes the variant without number, which exists for every version.
pub fn with_version(reference: &str, version: &str) -> Option<String> {
    let (name, tag) = parts(reference);
    let starts = tag.starts_with(|each: char| each.is_ascii_digit());
    let rest = if starts { tag.trim_start_matches(|each: char| each.is_ascii_digit() || each == '.') } else { tag };
    let variant: Vec<&str> = rest.split('-').filter(|part| !part.is_empty()).collect();
    let known =
        |part: &&str| !matches!(*part, "latest" | "lts" | "current" | "alpine" | "slim" | "bookworm" | "trixie");
    let mut out: Vec<&str> = Vec::new();
    for part in variant {
        match part {
            "latest" | "lts" | "current" | "stable" => {}
            part if part.starts_with("alpine") => out.push("alpine"),
            part if OLD_SUITES.contains(&part) => out.push("bookworm"),
            part if known(&part) && part.starts_with(|each: char| each.is_ascii_digit()) => return None,
            part => out.push(part),
        }
    }
    let mut tag = version.to_owned();
    for part in out {
        tag.push('-');
        tag.push_str(part);
    }
    Some(format!("{name}:{tag}"))
}

/// The stages whose own image is one of `names`, from the last to the first.
pub fn stages_of(case: &Case<'_>, names: &[&str]) -> Vec<(usize, String)> {
    let of = |base: &StageBase| match base {
        StageBase::Image(image) if names.contains(&name(image)) => Some(image.clone()),
        _ => None,
    };
    let stages = case.dockerfile.stages();
    stages.iter().rev().filter_map(|stage| Some((stage.index, of(&stage.base)?))).collect()
}

/// The stage of `names` that the failing step runs in, else the last one of the file.
pub fn stage_at_fault(case: &Case<'_>, names: &[&str]) -> Option<(usize, String)> {
    let all = stages_of(case, names);
    let mut stage = case.failing_instruction().and_then(|index| case.dockerfile.stage_of(index));
    let stages = case.dockerfile.stages();
    while let Some(at) = stage {
        if let Some(found) = all.iter().find(|(index, _)| *index == at) {
            return Some(found.clone());
        }
        stage = match stages.get(at).map(|stage| &stage.base) {
            Some(StageBase::Stage(below)) => Some(*below),
            _ => None,
        };
    }
    all.into_iter().next()
}

/// Gives every stage that uses `image` the same image with `version`: where the tag is written, or in the `ARG` it
/// comes from.
pub fn raise(case: &Case<'_>, image: &str, version: &str) -> Option<Vec<Edit>> {
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let wanted = with_version(image, version)?;
    if wanted == image {
        return None;
    }
    let mut edits: Vec<Edit> = Vec::new();
    for stage in dockerfile.stages() {
        if stage.base != StageBase::Image(image.to_owned()) {
            continue;
        }
        let edit = if stage.image.contains('$') {
            raise_argument(case, image, version)?
        } else {
            edit::set_image(workspace, path, dockerfile, stage.index, &wanted)?
        };
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    (!edits.is_empty()).then_some(edits)
}

/// The remedy that gives the stage at fault, of an image of `names`, the version that `wanted` says for its image.
pub fn raised(
    case: &Case<'_>,
    names: &[&str],
    language: &str,
    subject: &str,
    wanted: impl Fn(&str) -> Option<String>,
) -> Option<Remedy> {
    let (_, image) = stage_at_fault(case, names)?;
    let version = wanted(&image)?;
    let edits = raise(case, &image, &version)?;
    Some(Remedy {
        id: "raise-image".into(),
        title: format!("Build on {language} {version}"),
        why: format!("`{image}` has another version than `{subject}` needs; the variant stays"),
        applicability: Applicability::Rehearse,
        edits,
    })
}

/// Major versions of Node whose image exists with the variants slim and alpine (Docker Hub, July 2025).
const NODE_MAJORS: [u32; 8] = [10, 12, 14, 16, 18, 20, 22, 24];

/// The lowest Node version at or above what `image` has that lies in all `ranges`: a major, or the one exact version wanted.
pub fn node_version_for(image: &str, ranges: &[&str]) -> Option<String> {
    let have = numbers(&version(image));
    if let [only] = ranges
        && only.split('.').count() == 3
        && only.chars().all(|each| each.is_ascii_digit() || each == '.')
    {
        return Some((*only).to_owned());
    }
    let from = have.first().copied().unwrap_or(0);
    let newer = NODE_MAJORS.iter().filter(|major| **major >= from && (**major != from || have.len() > 1));
    let older = NODE_MAJORS.iter().rev().filter(|major| **major < from);
    let fits = |major: &&u32| ranges.iter().all(|range| satisfies(range, &[**major]));
    newer.into_iter().find(fits).or_else(|| older.into_iter().find(fits)).map(u32::to_string)
}

/// The edit of the global `ARG` whose default is the version in `image`.
fn raise_argument(case: &Case<'_>, image: &str, wanted: &str) -> Option<Edit> {
    let old = version(image);
    let instructions = case.dockerfile.instructions();
    let mut arguments = instructions.iter().enumerate().take_while(|(_, each)| each.keyword != "FROM");
    let (index, value) = arguments.find_map(|(index, each)| {
        let pairs = each.pairs();
        let value = pairs.iter().filter_map(|(_, value)| value.clone()).find(|value| {
            *value == old && !old.is_empty() || value.starts_with(&format!("{old}-")) && !old.is_empty()
        })?;
        Some((index, value))
    })?;
    let new = value.replacen(&old, wanted, 1);
    edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &value, &new)
}

/// Whether a version lies in a range as npm writes them: `>=18 <21`, `^20.1 || ~22`, `18.x`.
///
/// A version of fewer numbers stands for the newest of its line.
pub fn satisfies(range: &str, version: &[u32]) -> bool {
    let at = |place: usize| version.get(place).copied().unwrap_or(u32::MAX);
    let have = [at(0), at(1), at(2)];
    range.split("||").any(|part| {
        let part = part
            .trim()
            .replace(">= ", ">=")
            .replace("> ", ">")
            .replace("< ", "<")
            .replace("<= ", "<=")
            .replace("^ ", "^");
        if let Some((from, to)) = part.split_once(" - ") {
            return compares(&have, ">=", from) && compares(&have, "<=", to);
        }
        part.split_whitespace().all(|one| {
            let digits = one.find(|each: char| each.is_ascii_digit() || each == '*' || each == 'x').unwrap_or(0);
            compares(&have, one[..digits].trim_end_matches('v'), &one[digits..])
        })
    })
}

fn compares(have: &[u32; 3], operator: &str, wanted: &str) -> bool {
    let wanted = numbers(wanted);
    let Some(major) = wanted.first().copied() else { return true };
    let full = [major, wanted.get(1).copied().unwrap_or(0), wanted.get(2).copied().unwrap_or(0)];
    let prefix = |upto: usize| have.iter().zip(&wanted).take(upto).all(|(a, b)| a == b || *a == u32::MAX);
    match operator {
        ">=" => *have >= full,
        ">" => *have > full && (wanted.len() > 1 || have[0] > major),
        "<" => *have < full && (have[0] < major || wanted.len() > 1 && have[1] != u32::MAX),
        "<=" => *have <= full || prefix(wanted.len()),
        // Below 1 a caret holds the first number that is not zero.
        "^" if major == 0 && wanted.len() > 1 => prefix(if full[1] == 0 { wanted.len() } else { 2 }) && *have >= full,
        "^" => have[0] == major && *have >= full,
        "~" => prefix(wanted.len().min(2)) && *have >= full,
        _ => prefix(wanted.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_changes_and_the_variant_stays() {
        let check = |before: &str, version: &str, after: &str| {
            assert_eq!(with_version(before, version).as_deref(), Some(after))
        };
        check("node:16-alpine3.16", "20", "node:20-alpine");
        check("docker.io/library/golang:1.19.2", "1.23", "docker.io/library/golang:1.23");
        check("rust:slim", "1.85", "rust:1.85-slim");
        check("node:12-stretch-slim", "20", "node:20-bookworm-slim");
        check("maven:3.8.5", "21", "maven:21");
        assert_eq!(numbers(">=18.12"), [18, 12]);
        for (range, version, fits) in [
            (">=18", &[18][..], true),
            (">=18.12 <21", &[20], true),
            (">=18.12 <21", &[22], false),
            ("^20.19.0 || >=22.12.0", &[20], true),
            ("^20.19.0 || >=22.12.0", &[21], false),
            ("<17", &[16], true),
            ("<17", &[17], false),
            ("16.x", &[16], true),
            ("~14.2", &[16], false),
            ("*", &[8], true),
            (">=10", &[8, 8, 1], false),
            ("^0.12.0", &[0, 13, 0], false),
            ("^0.12.0", &[0, 12, 3], true),
        ] {
            assert_eq!(satisfies(range, version), fits, "{range} {version:?}");
        }
        assert_eq!((name("docker.io/library/node:20"), version("node:20.1-slim").as_str()), ("node", "20.1"));
    }
}
