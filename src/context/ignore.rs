//! A `.dockerignore` file: its lines, and what they decide about a path.

use std::collections::HashMap;

use super::pattern::Pattern;

/// One line that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// From 1.
    pub(super) line: usize,
    /// As in the file, trimmed.
    pub(super) written: String,
    pub(super) pattern: Pattern,
    /// `!`: brings back instead of leaving out.
    pub(super) brings_back: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ignore {
    pub(super) rules: Vec<Rule>,
    /// Lines that make Docker refuse the whole build.
    pub(super) unreadable: Vec<(usize, String)>,
}

/// Which rules matched a folder, so that what lies in it need not ask again.
pub(super) type Cache = HashMap<String, Vec<bool>>;

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let mut ignore = Self::default();
        for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            let written = line.trim();
            // Only a `#` in the first column starts a comment.
            if line.starts_with('#') || written.is_empty() {
                continue;
            }
            let (brings_back, body) = match written.strip_prefix('!') {
                Some(body) => (true, body.trim()),
                None => (false, written),
            };
            let line = index + 1;
            match Pattern::ignoring(&cleaned(body)) {
                Ok(pattern) if !body.is_empty() => {
                    ignore.rules.push(Rule { line, written: written.to_owned(), pattern, brings_back });
                }
                _ => ignore.unreadable.push((line, written.to_owned())),
            }
        }
        ignore
    }

    /// The rule that leaves `path` out, if one does.
    ///
    /// Docker walks from the top: a rule that matched a folder counts for all below it, and is otherwise only asked
    /// when it could change the verdict so far.
    pub(super) fn rule_against(&self, path: &str, cache: &mut Cache) -> Option<usize> {
        let above = path.rfind('/').map(|slash| &path[..slash]);
        if let Some(folder) = above.filter(|folder| !cache.contains_key(*folder)) {
            self.rule_against(folder, cache);
        }
        let parent = above.and_then(|folder| cache.get(folder));
        let mut matched = vec![false; self.rules.len()];
        let mut verdict = None;
        for (index, rule) in self.rules.iter().enumerate() {
            let inherited = parent.is_some_and(|parent| parent[index]);
            let could_change = rule.brings_back == verdict.is_some();
            if inherited || (could_change && rule.pattern.fits(path)) {
                matched[index] = true;
                verdict = (!rule.brings_back).then_some(index);
            }
        }
        cache.insert(path.to_owned(), matched);
        verdict
    }
}

/// Go's `filepath.Clean`, and no slash in front.
fn cleaned(pattern: &str) -> String {
    let is_rooted = pattern.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            part => parts.push(part),
        }
    }
    match parts.join("/") {
        empty if empty.is_empty() => if is_rooted { "/" } else { "." }.to_owned(),
        joined => joined,
    }
}
