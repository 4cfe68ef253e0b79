//! Validation: is this remedy safe to release? Only this room makes a `Cleared<Remedy>`, and only that is released.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::choice;
use crate::context::Context;
use crate::diagnosis::{self, Finding};
use crate::dockerfile::Dockerfile;
use crate::knowledge::Knowledge;
use crate::observation::Facts;
use crate::remedy::{self, Applicability, Edit, Remedy};
use crate::workspace::Workspace;

pub mod trial;

/// Accepted repairs are tiny (median 4 changed lines, 90th percentile 10); a remedy above this is not one.
pub const CHANGED_LINES_MAX: usize = 40;

/// Something that passed validation. Cannot be made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared<T> {
    inner: T,
}

impl<T> Cleared<T> {
    pub fn get(&self) -> &T {
        &self.inner
    }
}

/// One named check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub passed: bool,
    /// Empty when there is nothing to add.
    pub detail: String,
}

/// How far a fix was proved before it is pushed: each rung includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The edited Dockerfile parses.
    Parse,
    /// Every COPY source is in the context.
    Context,
    /// A resolver found that the versions it writes install together.
    Resolver,
    /// In a trial the step that failed was carried out; a later one was not.
    StageBuild,
    /// In a trial the whole image was built.
    FullBuild,
    /// In a trial it was started, and answered.
    Start,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parse => "the Dockerfile parses",
            Self::Context => "the Dockerfile parses and every COPY source is there",
            Self::Resolver => "a resolver found versions that install together",
            Self::StageBuild => "the step that failed is carried out",
            Self::FullBuild => "the whole image is built",
            Self::Start => "it is built, starts and answers",
        })
    }
}

/// How far fixes were proved together, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub rung: Rung,
    /// What built them in a trial; `None` when no trial was carried out.
    pub by: Option<String>,
    /// Why the next rung was not reached; empty at the top.
    pub open: String,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.rung)?;
        if let Some(by) = &self.by {
            write!(f, " ({by})")?;
        }
        if !self.open.is_empty() {
            write!(f, "; not proved beyond: {}", self.open)?;
        }
        Ok(())
    }
}

/// The validator's account (spec C3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub checks: Vec<Check>,
    pub rung: Rung,
    /// Why the remedy was refused; empty when it was cleared.
    pub refused: Vec<String>,
}

/// Judges `remedy` for `finding` on `before`. Returns the edited workspace with it when cleared.
pub fn judge(
    remedy: &Remedy,
    finding: &Finding,
    before: &Workspace,
    facts: &Facts,
    knowledge: &Knowledge,
) -> (Verdict, Option<(Cleared<Remedy>, Workspace)>) {
    let after = match remedy::apply(&remedy.edits, before) {
        Ok(after) => after,
        Err(refused) => return (refusal(vec![], refused.to_string()), None),
    };
    let checks = dockerfile_checks(&after, facts);
    let mut refused: Vec<String> = Vec::new();
    if remedy.applicability == Applicability::Suggest {
        refused.push("this remedy is only ever suggested to a person".into());
    }
    if after == *before {
        refused.push("the edits change nothing".into());
    }
    let lines: usize = remedy.edits.iter().map(Edit::lines_changed).sum();
    let mechanical = remedy.edits.iter().all(|edit| matches!(edit, Edit::LineFeeds { .. } | Edit::Executable { .. }));
    if lines > CHANGED_LINES_MAX && !mechanical {
        refused.push(format!("it changes {lines} lines, more than the {CHANGED_LINES_MAX} a small fix may"));
    }
    let earlier = dockerfile_checks(before, facts);
    let newly =
        checks.iter().zip(&earlier).filter(|(now, then)| !now.passed && (then.passed || is_essential(&now.name)));
    for (check, _) in newly {
        let detail = if check.detail.is_empty() { String::new() } else { format!(": {}", check.detail) };
        refused.push(format!("check `{}` fails after the fix{detail}", check.name));
    }
    refused.extend(weakened(before, &after, facts));
    refused.extend(new_faults(before, &after, facts, finding, knowledge));
    let rung = if checks.iter().all(|check| check.passed) { Rung::Context } else { Rung::Parse };
    let cleared = refused.is_empty().then(|| (Cleared { inner: remedy.clone() }, after));
    (Verdict { checks, rung, refused }, cleared)
}

/// The first remedy of `finding` that needs no further proof, that `may` be used and is not refused, with the files after it.
pub fn mended<'f>(
    finding: &'f Finding,
    before: &Workspace,
    facts: &Facts,
    knowledge: &Knowledge,
    may: impl Fn(&Remedy) -> bool,
) -> Option<(&'f Remedy, Workspace)> {
    let safe = finding.remedies.iter().filter(|remedy| choice::is_certain(finding, remedy) && may(remedy));
    safe.into_iter().find_map(|remedy| {
        let (_, cleared) = judge(remedy, finding, before, facts, knowledge);
        cleared.map(|(_, after)| (remedy, after))
    })
}

fn refusal(checks: Vec<Check>, why: String) -> Verdict {
    Verdict { checks, rung: Rung::Parse, refused: vec![why] }
}

/// Checks without which no build can work. The others only must not get worse.
fn is_essential(name: &str) -> bool {
    matches!(name, "dockerfile_exists" | "has_from_statement")
}

/// The seven named checks of spec C3, and that COPY sources exist.
pub fn dockerfile_checks(workspace: &Workspace, facts: &Facts) -> Vec<Check> {
    let text = workspace.text(&facts.dockerfile_path);
    let dockerfile = Dockerfile::parse(text.unwrap_or_default());
    let has = |keywords: &[&str]| {
        dockerfile.instructions().iter().any(|instruction| keywords.contains(&instruction.keyword.as_str()))
    };
    let check = |name: &str, passed: bool, detail: String| Check { name: name.into(), passed, detail };
    let problems = dockerfile.problems();
    let dangling =
        text.is_some_and(|text| text.lines().last().is_some_and(|last| last.trim_end().ends_with(dockerfile.escape())));
    let missing = missing_sources(workspace, facts, &dockerfile);
    vec![
        check("dockerfile_exists", text.is_some(), String::new()),
        check("has_from_statement", has(&["FROM"]), String::new()),
        check("has_workdir", has(&["WORKDIR"]), String::new()),
        check("has_copy_commands", has(&["COPY", "ADD"]), String::new()),
        check("has_cmd", has(&["CMD", "ENTRYPOINT"]), String::new()),
        check(
            "no_syntax_errors",
            problems.is_empty(),
            problems.first().map(|problem| format!("line {}: {}", problem.line, problem.message)).unwrap_or_default(),
        ),
        check("line_continuation_valid", !dangling, String::new()),
        check("copy_sources_exist", missing.is_empty(), missing.join(", ")),
    ]
}

/// COPY and ADD sources that the build context does not hold.
pub fn missing_sources(workspace: &Workspace, facts: &Facts, dockerfile: &Dockerfile) -> Vec<String> {
    let context = Context::of(workspace, &facts.context, &facts.dockerfile_path);
    let mut missing = Vec::new();
    for (index, instruction) in dockerfile.instructions().iter().enumerate() {
        let copies = matches!(instruction.keyword.as_str(), "COPY" | "ADD") && instruction.flag("from").is_none();
        let Some((sources, _)) = instruction.copy_paths().filter(|_| copies) else { continue };
        for source in sources {
            let expanded = dockerfile.expand(index, &source, &Default::default());
            let remote = expanded.contains("://") || expanded.starts_with("git@") || expanded.starts_with("<<");
            let unsure = expanded.is_empty() || source.contains('$');
            if !remote && !unsure && context.matches(&expanded).is_empty() {
                missing.push(format!("`{source}` (line {})", instruction.first_line));
            }
        }
    }
    missing
}

/// A fix must never get the build green by weakening it.
fn weakened(before: &Workspace, after: &Workspace, facts: &Facts) -> Vec<String> {
    let count = |workspace: &Workspace, keyword: &str| {
        let dockerfile = Dockerfile::parse(workspace.text(&facts.dockerfile_path).unwrap_or_default());
        dockerfile.instructions().iter().filter(|instruction| instruction.keyword == keyword).count()
    };
    let mut out = Vec::new();
    for keyword in ["HEALTHCHECK", "USER"] {
        if count(after, keyword) < count(before, keyword) {
            out.push(format!("it drops a `{keyword}` instruction"));
        }
    }
    for path in before.changed(after) {
        // A whole service may live in a folder of that name: only what lies below its own counts.
        let inside = path.strip_prefix(&format!("{}/", facts.context)).unwrap_or(&path);
        if remedy::is_test(inside) && path != facts.dockerfile_path && before.contains(&path) {
            out.push(format!("it edits the test file `{path}`"));
        }
        let (old, new) = (before.text(&path).unwrap_or_default(), after.text(&path).unwrap_or_default());
        for weakening in
            ["--trusted-host", "verify=False", "--no-check-certificate", "--allow-unauthenticated", "|| true"]
        {
            if new.matches(weakening).count() > old.matches(weakening).count() {
                out.push(format!("it adds `{weakening}` to `{path}`"));
            }
        }
    }
    out
}

/// Faults that the files show after the fix and did not show before it.
fn new_faults(
    before: &Workspace,
    after: &Workspace,
    facts: &Facts,
    finding: &Finding,
    knowledge: &Knowledge,
) -> Vec<String> {
    let old = diagnosis::foresee(before, facts, knowledge).findings;
    // Nobody can tell what a Dockerfile does that does not parse: what shows once it does was there before.
    let unread = !Dockerfile::parse(before.text(&facts.dockerfile_path).unwrap_or_default()).problems().is_empty();
    let known = |fault: &Finding| {
        old.iter().any(|old| old.class == fault.class && old.subject == fault.subject)
            || unread && fault.stage > finding.stage
    };
    let new = diagnosis::foresee(after, facts, knowledge).findings;
    let mut out: Vec<String> =
        new.iter().filter(|fault| !known(fault)).map(|fault| format!("it brings a new fault: {}", fault.why)).collect();
    // Where the files alone showed the fault, they must no longer show it.
    let still = |fault: &Finding| fault.class == finding.class && fault.subject == finding.subject;
    let gone_from_files =
        old.iter().filter(|fault| still(fault)).count() > new.iter().filter(|fault| still(fault)).count();
    if old.iter().any(still) && !gone_from_files {
        out.push(format!("the files still show it: {}", finding.why));
    }
    out
}
