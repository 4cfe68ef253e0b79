//! `node-eresolve`: packages ask for versions of a third that exclude each other.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "node-eresolve",
    what: "Packages ask for versions of a third that exclude each other",
    why: "npm 7 and later refuse to install when a package wants another version of its peer than the project \
          has.",
    advice: "Raise or lower the direct dependency so that the peer range holds. `--legacy-peer-deps` only hides \
          the conflict.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["ERESOLVE", "Conflicting peer dependency", "Could not resolve dependency:"],
    detect,
    examples: &[Example {
        log: "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree\nnpm error\nnpm error While resolving: web@0.1.0\nnpm error Found: react@19.0.0\nnpm error Could not resolve dependency:\nnpm error peer react@\"^17.0.0\" from react-beautiful-dnd@13.1.1",
        subject: "react-beautiful-dnd@13.1.1",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r#"peer (?:\S+)@"[^"]+" from (\S+@\S+)"#,
    r#"peerOptional (?:\S+)@"[^"]+" from (\S+@\S+)"#,
    r"While resolving: (\S+)",
    r"(?:npm ERR!|npm error) code (ERESOLVE)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // npm warns in the same words where it goes on.
    if !case
        .log
        .lines
        .iter()
        .any(|line| line.text.contains("ERR! code ERESOLVE") || line.text.contains("error code ERESOLVE"))
    {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a peer range does not hold: `{subject}`");
    Some(Hit::at(found.line, subject, why))
}
