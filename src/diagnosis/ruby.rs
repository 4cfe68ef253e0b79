//! Ruby projects: which gems the Gemfile asks for and in which groups, what its lock holds, and what the image installs.

use super::Case;
use super::node;
use crate::remedy::Edit;

/// A gem that the Gemfile asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gem {
    pub name: String,
    /// Without the quotes and colons; empty for gems of no group.
    pub groups: Vec<String>,
    /// From 1.
    pub line: usize,
    /// The line that opens its block; `None` where it stands by itself.
    pub block: Option<usize>,
}

/// A Gemfile that was read whole, and its lock.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// In the repository.
    pub path: String,
    pub gems: Vec<Gem>,
    /// The RUN that installs it.
    pub index: usize,
    /// What stands under DEPENDENCIES, versions left out; empty without a lock.
    pub locked: Vec<String>,
    pub platforms: Vec<String>,
    /// bundler may not change the lock.
    pub is_frozen: bool,
    /// The groups that are left out.
    pub without: Vec<String>,
}

/// The bundle that the image installs, where the Gemfile says all by itself.
pub fn bundle(case: &Case<'_>) -> Option<Bundle> {
    let installs = |index: &usize| {
        let script = node::script_of(case, *index);
        node::commands(&script).iter().any(|command| command.contains("bundle install") || *command == "bundle")
    };
    let index = case.runs().find(installs)?;
    let copied: Vec<String> = node::copied(case, index).into_iter().map(|(_, path)| path).collect();
    if !copied.iter().any(|path| path == "Gemfile") || node::is_opaque(case, index) {
        return None;
    }
    let path = case.in_repository("Gemfile");
    let gems = gems(&case.workspace.lines(&path))?;
    let lock = case.in_repository("Gemfile.lock");
    let lines = if copied.iter().any(|path| path == "Gemfile.lock") { case.workspace.lines(&lock) } else { vec![] };
    let section = |name: &str| -> Vec<String> {
        let after = lines.iter().skip_while(|line| **line != name).skip(1);
        let inner = after.take_while(|line| line.starts_with("  "));
        inner
            .filter_map(|line| line.split_whitespace().next())
            .map(|word| word.trim_end_matches('!').to_owned())
            .collect()
    };
    let settings = settings(case, index);
    let says = |words: &[&str]| settings.iter().any(|text| words.iter().any(|word| text.contains(word)));
    let is_frozen = says(&[
        "BUNDLE_FROZEN=true",
        "BUNDLE_FROZEN=1",
        "BUNDLE_FROZEN=\"true\"",
        "BUNDLE_FROZEN=\"1\"",
        "BUNDLE_DEPLOYMENT=1",
        "BUNDLE_DEPLOYMENT=\"1\"",
        "BUNDLE_DEPLOYMENT=true",
        "BUNDLE_DEPLOYMENT=\"true\"",
        "frozen true",
        "frozen 1",
        "frozen 'true'",
        "deployment true",
        "deployment 'true'",
        "--deployment",
        "--frozen",
    ]);
    let without = case.dockerfile.env_at(index).get("BUNDLE_WITHOUT").cloned().unwrap_or_default();
    let without = without.split([':', ' ', ',']).filter(|group| !group.is_empty()).map(str::to_owned).collect();
    Some(Bundle {
        path,
        gems,
        index,
        locked: section("DEPENDENCIES"),
        platforms: section("PLATFORMS"),
        is_frozen,
        without,
    })
}

/// The instructions that may set up bundler up to `index`, as written.
fn settings(case: &Case<'_>, index: usize) -> Vec<String> {
    let steps = node::history(case, index).into_iter().chain([index]);
    let each = steps.map(|at| &case.dockerfile.instructions()[at]);
    each.filter(|each| matches!(each.keyword.as_str(), "ENV" | "RUN")).map(|each| each.args.clone()).collect()
}

/// The gems of a Gemfile; `None` when it takes some from elsewhere, or decides by conditions.
fn gems(lines: &[&str]) -> Option<Vec<Gem>> {
    let mut out = Vec::new();
    let mut open: Vec<(usize, Vec<String>)> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let text = line.split(" #").next().unwrap_or_default().trim();
        let first = text.split([' ', '(']).next().unwrap_or_default();
        match first {
            "gemspec" | "eval_gemfile" | "if" | "unless" | "case" | "install_if" | "platforms" | "platform" => {
                return None;
            }
            "group" => open.push((number + 1, words(text.trim_end_matches(" do")))),
            "gem" if text.contains(" if ") || text.contains(" unless ") => return None,
            "gem" => {
                let name = quoted(text)?;
                let own = text.split("group").nth(1).map(words).unwrap_or_default();
                let groups = open.iter().flat_map(|(_, groups)| groups.clone()).chain(own).collect();
                let block = open.last().map(|(line, _)| *line);
                out.push(Gem { name, groups, line: number + 1, block });
            }
            "end" => {
                open.pop()?;
            }
            _ if text.ends_with(" do") => open.push((number + 1, vec![])),
            _ => {}
        }
    }
    Some(out)
}

/// `:development, :test` of a group.
fn words(text: &str) -> Vec<String> {
    let names = text.split([' ', ',', '(', ')', '[', ']', '=', '>']).filter_map(|word| {
        let bare = word.trim_matches(['"', '\'']).trim_start_matches(':');
        (word.starts_with([':', '"', '\'']) && !bare.is_empty()).then(|| bare.to_owned())
    });
    names.collect()
}

fn quoted(text: &str) -> Option<String> {
    let at = text.find(['"', '\''])?;
    let quote = text[at..].chars().next()?;
    text[at + 1..].split(quote).next().map(str::to_owned)
}

impl Bundle {
    /// The gem `name` when it stands in groups alone that are left out.
    pub fn left_out(&self, name: &str) -> Option<&Gem> {
        let gem = self.gems.iter().find(|gem| gem.name == name)?;
        let is_out = !gem.groups.is_empty() && gem.groups.iter().all(|group| self.without.contains(group));
        (is_out && self.gems.iter().filter(|gem| gem.name == name).count() == 1).then_some(gem)
    }

    /// The edit that takes `gem` out of its block: before it, where every group sees it.
    pub fn for_everybody(&self, case: &Case<'_>, gem: &Gem) -> Option<Edit> {
        let block = gem.block?;
        let lines = case.workspace.lines(&self.path);
        let mut new = vec![lines.get(gem.line - 1)?.trim(), ""];
        new.extend(lines.get(block - 1..gem.line - 1)?);
        Edit::replace(case.workspace, &self.path, block, gem.line, &new)
    }
}
