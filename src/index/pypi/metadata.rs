//! What a Python release depends on: the `Requires-Dist` of its METADATA, or what a source archive says.

use serde::Deserialize;

/// The requirement lines of a METADATA or PKG-INFO text, `None` if it is not one or leaves them open.
///
/// Before metadata version 2.2 nobody promised that PKG-INFO lists the dependencies, so from a source archive an empty
/// list is no answer (`is_wheel` false).
pub(super) fn requires_of(text: &str, is_wheel: bool) -> Option<Vec<String>> {
    // Header fields end at the first empty line; the description follows.
    let head = text.split("\n\n").next().unwrap_or_default().replace("\r\n", "\n");
    let head = head.split("\n\n").next().unwrap_or_default();
    if !head.contains("Metadata-Version:") {
        return None;
    }
    let field = |line: &str, name: &str| {
        line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let requires: Vec<String> = head.lines().filter_map(|line| field(line, "Requires-Dist")).collect();
    if is_wheel || !requires.is_empty() {
        return Some(requires);
    }
    let version = head.lines().find_map(|line| field(line, "Metadata-Version")).unwrap_or_default();
    let is_static =
        matches!(version.split_once('.'), Some(("2", minor)) if minor.parse::<u32>().is_ok_and(|it| it >= 2));
    let is_open =
        head.lines().filter_map(|line| field(line, "Dynamic")).any(|name| name.eq_ignore_ascii_case("Requires-Dist"));
    (is_static && !is_open).then_some(requires)
}

#[derive(Deserialize)]
struct JsonRelease {
    info: JsonInfo,
}

#[derive(Deserialize)]
struct JsonInfo {
    requires_dist: Option<Vec<String>>,
}

/// The requirement lines in an answer of the JSON API; `null` there means unknown.
pub(super) fn requires_of_json(body: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice::<JsonRelease>(body).ok()?.info.requires_dist
}

/// The requirement lines of setuptools' `requires.txt`: sections named after an extra and a marker.
pub(super) fn requires_of_egg(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let (extra, marker) = section.split_once(':').unwrap_or((&section, ""));
        let mut conditions = Vec::new();
        if !marker.is_empty() {
            conditions.push(format!("({marker})"));
        }
        if !extra.is_empty() {
            conditions.push(format!("extra == '{extra}'"));
        }
        let suffix = if conditions.is_empty() { String::new() } else { format!(" ; {}", conditions.join(" and ")) };
        lines.push(format!("{line}{suffix}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_stand_in_the_head_of_metadata() {
        let text = "Metadata-Version: 2.1\nName: a\nRequires-Dist: b>=1\nRequires-Dist: c ; extra == 'x'\n\nRequires-Dist: no\n";
        assert_eq!(requires_of(text, true), Some(vec!["b>=1".to_owned(), "c ; extra == 'x'".to_owned()]));
        assert_eq!(requires_of(&text.replace('\n', "\r\n"), true).map(|lines| lines.len()), Some(2));
        assert_eq!(requires_of("<html>", true), None);
    }

    #[test]
    fn source_without_a_promise_leaves_dependencies_open() {
        assert_eq!(requires_of("Metadata-Version: 2.1\nName: a\n", false), None);
        assert_eq!(requires_of("Metadata-Version: 2.4\nName: a\n", false), Some(Vec::new()));
        assert_eq!(requires_of("Metadata-Version: 2.4\nDynamic: requires-dist\n", false), None);
    }

    #[test]
    fn sections_of_requires_txt_become_markers() {
        let text =
            "six>=1.9\n\n[:python_version < \"3\"]\nenum34\n\n[tls]\npyopenssl\n\n[tls:os_name == 'nt']\npywin32\n";
        assert_eq!(
            requires_of_egg(text),
            [
                "six>=1.9",
                "enum34 ; (python_version < \"3\")",
                "pyopenssl ; extra == 'tls'",
                "pywin32 ; (os_name == 'nt') and extra == 'tls'",
            ]
        );
    }
}
