//! `explain` and `rules`: what the catalogue knows, printed from the same values that diagnose.

use serde_json::{Value, json};

use super::Global;
use super::exit::{Exit, Usage};
use super::screen::{answer, answer_json};
use crate::diagnosis::Rule;
use crate::diagnosis::catalogue::{ROSTER, find};

/// Explain a failure class: what happens, why, what to do, with a real example
///
/// Example: domain-runner explain ph-localhost-bind
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The class, as `diagnose` names it
    class: String,
}

/// List all failure classes that are recognised
#[derive(Debug, clap::Args)]
pub struct RulesArgs {}

pub fn explain(global: &Global, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let Some(rule) = find(&args.class) else {
        let near: Vec<&str> = ROSTER
            .iter()
            .map(|rule| rule.id)
            .filter(|id| {
                id.contains(args.class.as_str())
                    || args.class.split('-').next_back().is_some_and(|end| id.ends_with(end))
            })
            .take(5)
            .collect();
        let hint = if near.is_empty() {
            "domain-runner rules lists all".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        return Err(Usage::error(Exit::NotFound, format!("there is no failure class `{}`", args.class), hint));
    };
    if global.json {
        answer_json(&document(rule));
    } else {
        answer(&page(rule));
    }
    Ok(Exit::Ok)
}

pub fn rules(global: &Global, _: &RulesArgs) -> anyhow::Result<Exit> {
    if global.json {
        let items: Vec<Value> = ROSTER.iter().map(|rule| document(rule)).collect();
        answer_json(&json!({"v": 1, "kind": "rules", "items": items}));
        return Ok(Exit::Ok);
    }
    for rule in ROSTER {
        let mended = if rule.examples.iter().any(|example| example.remedy.is_some()) { "mends" } else { "names" };
        answer(&format!("{:<32} {:<18} {mended}  {}", rule.id, rule.stage.to_string(), rule.what));
    }
    Ok(Exit::Ok)
}

fn document(rule: &Rule) -> Value {
    json!({
        "class": rule.id, "what": rule.what, "why": rule.why, "advice": rule.advice, "stage": rule.stage,
        "severity": rule.severity, "policy": rule.policy,
        "remedies": rule.examples.iter().filter_map(|example| example.remedy.map(|(id, _)| id)).collect::<Vec<_>>(),
        "example": rule.examples.first().map(|example| example.log),
    })
}

fn page(rule: &Rule) -> String {
    let mut out = format!("{}: {}\n\n{}\n\nwhat to do\n  {}\n", rule.id, rule.what, rule.why, rule.advice);
    if let Some(example) = rule.examples.iter().find(|example| !example.log.is_empty()) {
        out.push_str("\nhow it reads\n");
        for line in example.log.lines() {
            out.push_str(&format!("  | {line}\n"));
        }
    }
    let mended = rule.examples.iter().find_map(|example| example.remedy.map(|remedy| (example, remedy)));
    if let Some((example, (remedy, after))) = mended {
        out.push_str(&format!("\nhow it is mended ({remedy})\n"));
        for (path, text) in after {
            let before = example.files.iter().find(|(name, _)| name == path).map_or("", |(_, text)| *text);
            let diff = similar::TextDiff::from_lines(before, *text);
            for line in diff.unified_diff().context_radius(1).header(path, path).to_string().lines() {
                out.push_str(&format!("  {line}\n"));
            }
        }
    }
    out
}
