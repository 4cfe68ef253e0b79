//! `diagnose`: why did it fail? Reads a log, changes nothing.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::Global;
use super::exit::Exit;
use super::screen::{answer, answer_json};
use crate::diagnosis::{Finding, Log, diagnose_log};
use crate::git::Repo;
use crate::knowledge::Knowledge;
use crate::observation::Facts;
use crate::workspace::Workspace;

/// A log is read in pieces of this size.
const READ_BYTES: usize = 256 << 10;

/// Find out why a build or deploy failed, from its log
///
/// Prints findings, best first, with the decisive line of the log and what would mend it. With `-C` in a repository the
/// files are looked at, too.
///
/// Example: docker build . 2>&1 | domain-runner diagnose -
#[derive(Debug, clap::Args)]
pub struct DiagnoseArgs {
    /// The log; `-` or nothing: standard input
    #[arg(value_name = "FILE", default_value = "-")]
    log: PathBuf,
    /// The Dockerfile that was built, when it is not the repository's
    #[arg(long, value_name = "FILE")]
    dockerfile: Option<PathBuf>,
}

pub fn run(global: &Global, args: &DiagnoseArgs) -> anyhow::Result<Exit> {
    let log = read_log(&args.log)?;
    let (workspace, dockerfile_path) = files(global, args)?;
    let facts = Facts { dockerfile_path, ..Facts::default() };
    let findings = diagnose_log(&log, &workspace, &facts, &Knowledge::default()).findings;
    if global.json {
        let document = json!({ "findings": findings.iter().map(document).collect::<Vec<_>>() });
        answer_json(&document);
        return Ok(Exit::Ok);
    }
    if findings.is_empty() {
        answer("no known failure in this log");
        return Ok(Exit::Ok);
    }
    for finding in findings.iter().take(5) {
        answer(&lines(finding));
    }
    Ok(Exit::Ok)
}

fn read_log(path: &std::path::Path) -> anyhow::Result<Log> {
    if path.as_os_str() == "-" {
        return Log::from_reader(std::io::stdin().lock()).context("failed to read standard input");
    }
    let file = std::fs::File::open(path).with_context(|| format!("failed to open `{}`", path.display()))?;
    let file = std::io::BufReader::with_capacity(READ_BYTES, file);
    Log::from_reader(file).with_context(|| format!("failed to read `{}`", path.display()))
}

/// The repository's files where there is one, with the Dockerfile that was named put in place of its own.
fn files(global: &Global, args: &DiagnoseArgs) -> anyhow::Result<(Workspace, String)> {
    if let Some(path) = &args.dockerfile {
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read `{}`", path.display()))?;
        return Ok((Workspace::of(&[("Dockerfile", &text)]), "Dockerfile".into()));
    }
    let Ok(repo) = Repo::open(&global.dir) else { return Ok((Workspace::default(), "Dockerfile".into())) };
    let prefix = repo.prefix();
    let path = if prefix.is_empty() { "Dockerfile".to_owned() } else { format!("{prefix}/Dockerfile") };
    match repo.working_workspace() {
        Ok(workspace) if workspace.contains(&path) => Ok((workspace, path)),
        _ => Ok((Workspace::default(), "Dockerfile".into())),
    }
}

/// A finding as programs read it.
pub(super) fn document(finding: &Finding) -> serde_json::Value {
    json!({
        "class": finding.class,
        "stage": finding.stage,
        "subject": finding.subject,
        "line": finding.line,
        "severity": finding.severity,
        "policy": finding.policy,
        "confidence": finding.confidence,
        "why": finding.why,
        "type": finding.pattern(),
        "evidence": finding.evidence,
        "remedies": finding.remedies,
    })
}

fn lines(finding: &Finding) -> String {
    let mut out = format!("{} ({}): {}", finding.class, finding.stage, finding.why);
    if let (Some(line), Some(evidence)) = (finding.line, finding.evidence.first()) {
        out.push_str(&format!("\n  line {line}: {}", evidence.trim()));
    }
    for remedy in &finding.remedies {
        out.push_str(&format!("\n  fix: {} ({})", remedy.title, remedy.why));
    }
    if finding.remedies.is_empty()
        && let Some(rule) = crate::diagnosis::catalogue::find(&finding.class)
    {
        out.push_str(&format!("\n  what to do: {}", rule.advice));
    }
    out
}
