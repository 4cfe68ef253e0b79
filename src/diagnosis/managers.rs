//! Package managers: an install step in the words of another distribution.
//!
//! Only names that the table knows are translated; one name it does not know leaves the whole step alone.

use super::Case;
use super::base::Family;
use super::chain::{Chain, Change, flat};
use super::installs;
use crate::remedy::Edit;

mod counterparts;

use counterparts::counterpart;

/// The family that a manager belongs to.
pub fn family_of(manager: &str) -> Option<Family> {
    match manager {
        "apt-get" | "apt" | "aptitude" => Some(Family::Debian),
        "apk" => Some(Family::Alpine),
        "yum" | "dnf" | "microdnf" => Some(Family::RedHat),
        _ => None,
    }
}

/// How a person calls the distributions of a family.
pub fn name_of(family: Family) -> &'static str {
    match family {
        Family::Debian => "Debian",
        Family::Alpine => "Alpine",
        Family::RedHat => "Red Hat",
    }
}

/// The packages of instruction `index` that have no known name in the distributions of `to`.
pub fn unknown(case: &Case<'_>, index: usize, to: Family) -> Vec<String> {
    let foreign = |manager: &str| family_of(manager).filter(|from| *from != to);
    let named = installs::named(case, index).into_iter();
    let strange = named.filter(|each| {
        foreign(&each.manager)
            .is_some_and(|from| each.written != each.name || counterpart(from, to, &each.name).is_none())
    });
    strange.map(|each| each.written).collect()
}

/// Whether instruction `index` calls a manager that an image of `family` does not have.
pub fn is_foreign(case: &Case<'_>, index: usize, family: Family) -> bool {
    let instruction = &case.dockerfile.instructions()[index];
    instruction.keyword == "RUN" && calls(&instruction.args, family)
}

fn calls(command: &str, family: Family) -> bool {
    let words = command.split(|each: char| each.is_whitespace() || ";&|()'\"`".contains(each));
    words.filter_map(family_of).any(|other| other != family)
}

/// Instruction `index` with its packages installed by the manager of `to`.
pub fn translated(case: &Case<'_>, index: usize, to: Family) -> Option<Edit> {
    let chain = Chain::of(case, index)?;
    let mut translator = Translator { to, groups: vec![], lists_are_fresh: false };
    let mut changes: Vec<Change> = chain.commands().map(|command| translator.change(command)).collect::<Option<_>>()?;
    if to == Family::Debian {
        // The lists that were fetched for the last install are of no use afterwards.
        let last = changes.iter_mut().rev().find_map(|change| match change {
            Change::Becomes(text) if text.contains("apt-get install") => Some(text),
            _ => None,
        });
        if let Some(text) = last {
            text.push_str(" && rm -rf /var/lib/apt/lists/*");
        }
    }
    chain.edit(case, &changes)
}

struct Translator {
    to: Family,
    /// Names that `apk add --virtual` gave to packages, with what they are called here.
    groups: Vec<(String, Vec<&'static str>)>,
    lists_are_fresh: bool,
}

/// Folders in which managers keep what they fetched.
const CACHES: &[&str] = &["/var/lib/apt", "/var/cache/apt", "/var/cache/apk", "/var/cache/yum", "/var/cache/dnf"];

impl Translator {
    /// What becomes of a command; `None` when it cannot be said in other words.
    fn change(&mut self, command: &str) -> Option<Change> {
        let flat = flat(command);
        let mut words: Vec<&str> = flat.split(' ').collect();
        let is_setting = |word: &&str| word.starts_with("DEBIAN_FRONTEND=");
        let leading = words.iter().take_while(|word| is_setting(word) || **word == "sudo").count();
        words.drain(..leading);
        let Some(from) = words.first().copied().and_then(family_of) else {
            return self.elsewhere(&words, &flat);
        };
        if from == self.to {
            return Some(Change::Stays);
        }
        let verb = words[1..].iter().copied().find(|word| !word.starts_with('-'))?;
        let bare = words[1..].iter().filter(|word| !word.starts_with('-')).count() == 1;
        match (from, verb) {
            (_, "clean" | "autoclean" | "autoremove" | "makecache" | "check-update") => Some(Change::Goes),
            (Family::Debian | Family::Alpine, "update") if bare => Some(Change::Goes),
            (Family::Debian, "upgrade" | "dist-upgrade" | "full-upgrade")
            | (Family::Alpine, "upgrade")
            | (Family::RedHat, "update" | "upgrade")
                if bare =>
            {
                Some(Change::Becomes(self.upgrade().to_owned()))
            }
            (Family::Debian | Family::RedHat, "install") | (Family::Alpine, "add") => self.install(command, from),
            (Family::Alpine, "del") => self.removal(&words),
            _ => None,
        }
    }

    /// A command that calls no manager: it stays, unless it only clears the cache of one, or hides a call.
    fn elsewhere(&self, words: &[&str], flat: &str) -> Option<Change> {
        let paths = words.iter().skip(1).filter(|word| !word.starts_with('-'));
        let clears = words.first() == Some(&"rm")
            && words.len() > 1
            && paths.clone().all(|path| CACHES.iter().any(|cache| path.starts_with(cache)));
        match (clears, calls(flat, self.to)) {
            (true, _) => Some(Change::Goes),
            (false, true) => None,
            (false, false) => Some(Change::Stays),
        }
    }

    fn upgrade(&self) -> &'static str {
        match self.to {
            Family::Debian => "apt-get update && apt-get upgrade -y",
            Family::Alpine => "apk upgrade --no-cache",
            Family::RedHat => "yum update -y",
        }
    }

    /// The head of an install command.
    fn head(&mut self) -> &'static str {
        match self.to {
            Family::Debian if std::mem::replace(&mut self.lists_are_fresh, true) => {
                "apt-get install -y --no-install-recommends"
            }
            Family::Debian => "apt-get update && apt-get install -y --no-install-recommends",
            Family::Alpine => "apk add --no-cache",
            Family::RedHat => "yum install -y",
        }
    }

    fn install(&mut self, command: &str, from: Family) -> Option<Change> {
        let mut tokens = tokens(command).into_iter().peekable();
        // The manager, perhaps behind `sudo`, its verb and the options before the first package.
        let mut head_end = 0;
        let (mut has_verb, mut group) = (false, None);
        let mut gone: Vec<std::ops::Range<usize>> = Vec::new();
        let mut packages: Vec<(std::ops::Range<usize>, &'static str)> = Vec::new();
        let mut end_of_last = 0;
        while let Some(range) = tokens.next() {
            let word = &command[range.clone()];
            let mut end = range.end;
            if !has_verb {
                has_verb = matches!(word, "install" | "add");
                // An option before the verb is one of the manager: `apt-get -y install`.
                if word.starts_with('-') && !is_harmless(word, from) {
                    return None;
                }
                head_end = end;
            } else if word.starts_with('-') {
                let takes_next = from == Family::Alpine && matches!(word, "--virtual" | "-t");
                if takes_next {
                    let name = tokens.next()?;
                    group = Some(command[name.clone()].to_owned());
                    end = name.end;
                } else if let Some(name) = word.strip_prefix("--virtual=").filter(|_| from == Family::Alpine) {
                    group = Some(name.to_owned());
                } else if !is_harmless(word, from) {
                    return None;
                }
                match packages.is_empty() && gone.is_empty() {
                    true => head_end = end,
                    false => gone.push(end_of_last..end),
                }
            } else {
                let name = counterpart(from, self.to, word)?;
                if name.is_empty() || packages.iter().any(|(_, known)| *known == name) {
                    gone.push(end_of_last.max(head_end)..end);
                } else {
                    packages.push((range, name));
                }
            }
            end_of_last = end;
        }
        if let Some(group) = group {
            self.groups.push((group, packages.iter().map(|(_, name)| *name).collect()));
        }
        if packages.is_empty() {
            return Some(Change::Goes);
        }
        let mut out = command.to_owned();
        let mut cuts: Vec<(std::ops::Range<usize>, &str)> = packages;
        cuts.extend(gone.into_iter().map(|range| (range, "")));
        cuts.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, text) in cuts {
            out.replace_range(range, text);
        }
        out.replace_range(..head_end, self.head());
        Some(Change::Becomes(out))
    }

    /// `apk del` of groups and packages.
    fn removal(&self, words: &[&str]) -> Option<Change> {
        let mut names: Vec<&str> = Vec::new();
        for word in words[1..].iter().filter(|word| !word.starts_with('-') && **word != "del") {
            match self.groups.iter().find(|(group, _)| group == word) {
                Some((_, packages)) => names.extend(packages),
                None => names.extend(Some(counterpart(Family::Alpine, self.to, word)?).filter(|name| !name.is_empty())),
            }
        }
        let verb = match self.to {
            Family::Debian => "apt-get purge -y --auto-remove",
            Family::Alpine => return None,
            Family::RedHat => "yum remove -y",
        };
        Some(if names.is_empty() { Change::Goes } else { Change::Becomes(format!("{verb} {}", names.join(" "))) })
    }
}

/// Whether an option only says how much is asked and fetched, which the other manager needs no word for.
fn is_harmless(option: &str, from: Family) -> bool {
    let known: &[&str] = match from {
        Family::Debian => &[
            "-y",
            "-q",
            "-qq",
            "-yq",
            "-yqq",
            "-qy",
            "-qqy",
            "--yes",
            "--assume-yes",
            "--quiet",
            "--no-install-recommends",
            "--no-install-suggests",
            "--fix-missing",
        ],
        Family::Alpine => &["--no-cache", "--update", "--update-cache", "-U", "-u", "-q", "--quiet", "--no-progress"],
        Family::RedHat => &[
            "-y",
            "-q",
            "-yq",
            "--assumeyes",
            "--quiet",
            "--nodocs",
            "--setopt=tsflags=nodocs",
            "--setopt=install_weak_deps=False",
            "--allowerasing",
        ],
    };
    known.contains(&option)
}

/// Where the words of a command stand, those of comments and the signs of continuation left out.
fn tokens(command: &str) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    for (number, line) in command.split('\n').enumerate() {
        let is_comment = number > 0 && line.trim_start().starts_with('#');
        let mut at = start;
        for part in line.split([' ', '\t']) {
            if !part.is_empty() && part != "\\" && !is_comment {
                out.push(at..at + part.trim_end_matches('\\').len());
            }
            at += part.len() + 1;
        }
        start += line.len() + 1;
    }
    out
}
