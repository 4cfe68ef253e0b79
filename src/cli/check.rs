//! `check`: what will fail, found from the files alone, before any build.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use super::Global;
use super::diagnose;
use super::exit::Exit;
use super::screen::{answer, answer_json};
use crate::choice;
use crate::diagnosis::{Diagnosis, Finding, foresee};
use crate::git::Repo;
use crate::index::{Index, IndexSettings};
use crate::knowledge::Knowledge;
use crate::observation::Facts;
use crate::remedy::Applicability;
use crate::validation;
use crate::workspace::Workspace;

/// How long the package index may take altogether: somebody sits and waits.
const PATIENCE: Duration = Duration::from_secs(90);

/// A mended fault may uncover another one; more of them than this stand behind each other in no service.
const ROUNDS_MAX: usize = 6;

/// Find what will fail before a deploy, from the files in your work tree
///
/// Reads tracked files as they stand, uncommitted changes included. `--fix` makes the edits that cannot hurt: those that no service
/// that works would notice, and those for faults that are certain. The others are shown. Exit 8 when something was found and is not fixed.
///
/// Example: domain-runner check --fix
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Make the safe edits in the work tree; nothing is committed
    #[arg(long)]
    fix: bool,
    /// The Dockerfile, relative to the folder
    #[arg(long, value_name = "FILE", default_value = "Dockerfile")]
    dockerfile: String,
    /// Do not ask the package index
    #[arg(long)]
    offline: bool,
}

pub async fn run(global: &Global, args: CheckArgs) -> anyhow::Result<Exit> {
    let repo = Repo::open(&global.dir)?;
    let prefix = repo.prefix();
    let path = if prefix.is_empty() { args.dockerfile.clone() } else { format!("{prefix}/{}", args.dockerfile) };
    let facts = Facts { dockerfile_path: path, context: prefix, ..Facts::default() };
    let workspace = repo.working_workspace()?;
    let mut knowledge = Knowledge::default();
    let found = examine(global, &args, &workspace, &facts, &mut knowledge).await?;
    let mut after = workspace.clone();
    let mut left = found.findings.clone();
    let mut fixed = 0;
    for _ in 0..ROUNDS_MAX {
        let (mended, count) = mended(&left, &after, &facts, &knowledge);
        if count == 0 {
            break;
        }
        (after, fixed) = (mended, fixed + count);
        left = examine(global, &args, &after, &facts, &mut knowledge).await?.findings;
    }
    if args.fix {
        for path in workspace.changed(&after) {
            if !repo.has_plain_parents(&path) {
                anyhow::bail!(
                    "`{path}` is not edited: a folder above it is a link, which may lead out of the repository"
                );
            }
            if let Some(file) = after.file(&path) {
                repo.write_file(&path, file).with_context(|| format!("`{path}` cannot be written"))?;
            }
        }
    }
    if global.json {
        let items: Vec<_> = found.findings.iter().map(diagnose::document).collect();
        answer_json(&json!({"v": 1, "kind": "check", "items": items, "fixed": fixed * usize::from(args.fix)}));
    } else {
        show(&found.findings, &workspace, &after, args.fix);
    }
    let open = if args.fix { left } else { found.findings };
    Ok(if open.is_empty() { Exit::Ok } else { Exit::Problems })
}

async fn examine(
    global: &Global,
    args: &CheckArgs,
    workspace: &Workspace,
    facts: &Facts,
    knowledge: &mut Knowledge,
) -> anyhow::Result<Diagnosis> {
    let found = foresee(workspace, facts, knowledge);
    if args.offline || found.questions.is_empty() {
        return Ok(found);
    }
    let cache = global.dir.join("memory/swarm/index_cache");
    let index = Index::new(IndexSettings { project: global.dir.clone(), cache, timeout_ms: 20_000, offline: false })?;
    Ok(index.consult(knowledge, PATIENCE, |knowledge| foresee(workspace, facts, knowledge)).await)
}

/// The files after all edits that are safe and cleared, and how many of `findings` they mend.
fn mended(findings: &[Finding], workspace: &Workspace, facts: &Facts, knowledge: &Knowledge) -> (Workspace, usize) {
    let mut current = workspace.clone();
    let mut count = 0;
    for finding in findings {
        if let Some((_, after)) = validation::mended(finding, &current, facts, knowledge, |_| true) {
            current = after;
            count += 1;
        }
    }
    (current, count)
}

fn show(findings: &[Finding], workspace: &Workspace, after: &Workspace, fixed: bool) {
    if findings.is_empty() {
        answer("nothing found that would fail");
        return;
    }
    for finding in findings {
        let place = finding.place.as_ref().map(|place| format!(" ({}:{})", place.path, place.line)).unwrap_or_default();
        answer(&format!("{}{place}: {}", finding.class, finding.why));
        for remedy in &finding.remedies {
            let how = match remedy.applicability {
                _ if choice::is_certain(finding, remedy) => "safe",
                Applicability::Apply | Applicability::Rehearse => "deploy tries it",
                Applicability::Suggest => "for you to decide",
            };
            answer(&format!("  fix: {} [{how}]", remedy.title));
        }
    }
    let diff = workspace.diff(after);
    if !diff.is_empty() {
        answer(&format!("\n{}\n{diff}", if fixed { "made in your work tree:" } else { "check --fix would make:" }));
    }
}
