//! The answer of a model, and what of it is believed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Brief, CLASS, doubt, finding};
use crate::diagnosis::{Finding, Log, Stage};
use crate::learning::Advice;
use crate::observation::Facts;
use crate::remedy::{self, Edit};
use crate::workspace::Workspace;

/// Accepted repairs touch one or two places.
const EDITS_MAX: usize = 6;
const EVIDENCE_MAX: usize = 3;
const TEXT_CHARS_MAX: usize = 300;

/// A shorter quotation stands in any log.
const QUOTE_CHARS_MIN: usize = 8;

/// For failures that no class names.
const OTHER: &str = "other";

/// The form of the answer, as a JSON Schema. Every field is required: strict decoders want it so.
pub fn schema() -> Value {
    let mut classes: Vec<&str> = super::classes().map(|rule| rule.id).collect();
    classes.push(OTHER);
    let text = json!({"type": "string", "maxLength": TEXT_CHARS_MAX});
    let lines = json!({"type": "array", "maxItems": 60, "items": {"type": "string", "maxLength": 1_000}});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["class", "subject", "why", "evidence", "title", "edits"],
        "properties": {
            "class": {"type": "string", "enum": classes},
            "subject": text,
            "why": text,
            "evidence": {"type": "array", "minItems": 1, "maxItems": EVIDENCE_MAX, "items": {"type": "string", "maxLength": 1_000}},
            "title": text,
            "edits": {"type": "array", "maxItems": EDITS_MAX, "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["file", "line", "old", "new"],
                "properties": {
                    "file": {"type": "string", "maxLength": TEXT_CHARS_MAX},
                    "line": {"type": "integer", "minimum": 0},
                    "old": lines,
                    "new": lines
                }
            }}
        }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    class: String,
    subject: String,
    why: String,
    evidence: Vec<String>,
    title: String,
    edits: Vec<Change>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    file: String,
    line: usize,
    old: Vec<String>,
    new: Vec<String>,
}

/// The finding that an answer of `by` comes to.
///
/// # Errors
/// Why it is not believed.
pub fn read(
    answer: Value,
    brief: &Brief,
    log: &Log,
    files: &Workspace,
    facts: &Facts,
    by: &str,
) -> Result<Finding, String> {
    let answer: Answer = serde_json::from_value(answer).map_err(|_| "it has not the form that was asked for")?;
    let rule = super::classes().find(|rule| rule.id == answer.class);
    if rule.is_none() && answer.class != OTHER {
        return Err("it names a class that does not exist".to_owned());
    }
    let mut lines = Vec::new();
    for quote in answer.evidence.iter().take(EVIDENCE_MAX) {
        lines.push(stands_at(quote, log).ok_or("it quotes a line that is not in the log")?);
    }
    let first = *lines.first().ok_or("it quotes nothing")?;
    let evidence = lines.iter().map(|index| log.lines[*index].text.clone()).collect();
    if answer.edits.is_empty() {
        return Err("it knows no edit".to_owned());
    }
    if answer.edits.len() > EDITS_MAX {
        return Err("it edits more places than a small fix may".to_owned());
    }
    let mut edits = Vec::new();
    for change in &answer.edits {
        edits.push(edit(change, brief, files)?);
    }
    let after = remedy::apply(&edits, files).map_err(|refused| refused.to_string())?;
    if let Some(why) = doubt::doubt(log, files, &after, facts) {
        return Err(why);
    }
    let stage = match rule {
        Some(rule) => rule.stage,
        None if log.failing.is_some() => Stage::AppBuild,
        None => Stage::Startup,
    };
    let class = if rule.is_some() { answer.class } else { CLASS.to_owned() };
    let text = |text: &str| text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect::<String>();
    let advice = Advice {
        by: by.to_owned(),
        class,
        subject: text(&answer.subject),
        stage,
        why: text(&answer.why),
        evidence,
        title: text(&answer.title),
        edits,
    };
    Ok(finding(advice, Some(log.lines[first].number)))
}

/// The index of the line of the log that `quote` is, or is a good part of.
fn stands_at(quote: &str, log: &Log) -> Option<usize> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quote = squeeze(quote);
    if quote.chars().count() < QUOTE_CHARS_MIN || Brief::is_masked(&quote) {
        return None;
    }
    log.lines.iter().rposition(|line| squeeze(&line.text).contains(&quote))
}

/// A change as an edit of exactly the lines it names.
fn edit(change: &Change, brief: &Brief, files: &Workspace) -> Result<Edit, String> {
    let Change { file, line, old, new } = change;
    if new.iter().any(|line| Brief::is_masked(line) || line.contains(['\n', '\r', '\0'])) {
        return Err(format!("it writes into `{file}` what is no line"));
    }
    if old.is_empty() && !files.contains(file) {
        return Ok(Edit::Create { path: file.clone(), text: new.iter().map(|line| format!("{line}\n")).collect() });
    }
    if !brief.files.contains(file) {
        return Err(format!("it edits `{file}`, which it was not shown"));
    }
    let have = files.lines(file);
    let fits = |at: usize| have.get(at..at + old.len()).is_some_and(|have| have.iter().eq(old.iter()));
    let places: Vec<usize> = (0..have.len()).filter(|at| !old.is_empty() && fits(*at)).collect();
    let at = match places.as_slice() {
        [only] => *only,
        several => *several
            .iter()
            .find(|at| **at + 1 == *line)
            .ok_or_else(|| format!("`{file}` does not read as it says at line {line}"))?,
    };
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    Edit::replace(files, file, at + 1, at + old.len(), &new).ok_or_else(|| format!("it changes nothing in `{file}`"))
}

/// Eight hex digits that stand for the edits.
pub(super) fn mark(edits: &[Edit]) -> String {
    let text = serde_json::to_string(edits).unwrap_or_default();
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::redaction::Redactor;

    const LOG: &str = "quux 3.1\nquux: settings.conf: depth must be 8, not 7\nquux: giving up";

    fn files() -> Workspace {
        Workspace::of(&[
            ("Dockerfile", "FROM python:3.12-slim\nRUN ./quux settings.conf\n"),
            ("settings.conf", "# quux\ndepth 7\n"),
            ("other.conf", "depth 7\n"),
            (".env", "A=1\n"),
        ])
    }

    fn check(change: &Value) -> Result<Finding, String> {
        let mut answer = json!({"class": "other", "subject": "quux", "why": "The depth is 7.", "title": "Set the depth to 8",
            "evidence": ["quux:  settings.conf: depth must be 8, not 7"],
            "edits": [{"file": "settings.conf", "line": 2, "old": ["depth 7"], "new": ["depth 8"]}]});
        for (name, value) in change.as_object().expect("fields") {
            answer[name] = value.clone();
        }
        let (log, facts) = (Log::read(LOG), Facts { dockerfile_path: "Dockerfile".into(), ..Facts::default() });
        let brief = Brief::of(&log, &files(), &facts, &Redactor::default());
        read(answer, &brief, &log, &files(), &facts, "openai/m")
    }

    #[test]
    fn an_answer_that_can_be_checked_becomes_a_finding_that_needs_a_proof() {
        let found = check(&json!({})).expect("a finding");
        assert_eq!(
            (found.class.as_str(), found.line, found.advised_by.as_deref()),
            ("advised-other", Some(2), Some("openai/m"))
        );
        assert_eq!(found.evidence, ["quux: settings.conf: depth must be 8, not 7"]);
        let remedy = &found.remedies[0];
        assert_eq!(remedy.applicability, remedy::Applicability::Rehearse);
        let after = remedy::apply(&remedy.edits, &files()).expect("fits");
        assert_eq!(after.text("settings.conf"), Some("# quux\ndepth 8\n"));
    }

    #[test]
    fn what_cannot_be_checked_is_not_believed() {
        let edit = |file: &str, old: &[&str], new: &[&str]| json!({"edits": [{"file": file, "line": 1, "old": old, "new": new}]});
        for (change, why) in [
            (json!({"evidence": ["quux: the disk is full"]}), "a line that is not in the log"),
            (json!({"evidence": ["quux"]}), "a line that is not in the log"),
            (json!({"evidence": []}), "quotes nothing"),
            (json!({"class": "invented"}), "a class that does not exist"),
            (json!({"edits": []}), "knows no edit"),
            (json!({"more": 1}), "not the form"),
            (edit("other.conf", &["depth 7"], &["depth 8"]), "was not shown"),
            (edit(".env", &["A=1"], &["A=2"]), "was not shown"),
            (edit(".github/workflows/x.yml", &[], &["x"]), "CI workflows"),
            (edit("../x", &[], &["x"]), "outside the repository"),
            (edit("settings.conf", &["depth 9"], &["depth 8"]), "does not read as it says"),
            (edit("settings.conf", &["depth 7"], &["depth 7"]), "changes nothing"),
            (edit("settings.conf", &["depth 7"], &["depth [redacted]"]), "what is no line"),
            (edit("Dockerfile", &["RUN ./quux settings.conf"], &["RUN curl x | sh"]), "`curl`"),
        ] {
            let refused = check(&change).expect_err(why);
            assert!(refused.contains(why), "{refused} for {change}");
        }
    }
}
