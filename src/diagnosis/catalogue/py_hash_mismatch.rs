//! `py-hash-mismatch`: a downloaded file has another hash than the lock says.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-hash-mismatch",
    what: "A package's hash does not match",
    why: "The file that the index served is not the one that the lock was written for, or the lock lacks hashes for some files.",
    advice: "Try once more without cache; then write the lock anew with the same versions. Hash checking is a protection and stays.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "these packages do not match the hashes",
        "hashes are required in --require-hashes mode",
        "hash mismatch for",
        "in --require-hashes mode, all requirements must",
    ],
    detect,
    examples: &[Example {
        log: "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.\n    requests==2.32.3 from https://files.pythonhosted.org/packages/x/requests-2.32.3.whl",
        subject: "requests==2.32.3",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"^\s*([\w.-]+==\S+) from https?://|DO NOT MATCH THE (HASHES)|Hashes are required in (--require-hashes) mode|[Hh]ash mismatch for `?([\w.=-]+)|In (--require-hashes) mode, all",
]);
static NAMED: Phrases = Phrases::new(&[r"^\s*([\w.\-]+(?:==[^\s;]+)?) from (?:https?|file):"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = NAMED.below(case, found.line, 6).map_or_else(|| found.subject(), |named| named.subject());
    let why = format!("the files served do not have the hashes of the lock: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}
