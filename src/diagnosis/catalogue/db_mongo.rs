//! `db-mongo`: MongoDB cannot be reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-mongo",
    what: "MongoDB cannot be reached",
    why: "The address is not set, the cluster does not let this machine in, or its name does not resolve.",
    advice: "Set the address; let the service's outgoing addresses into the cluster (Atlas: Network Access).",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "mongooseserverselectionerror",
        "serverselectiontimeouterror",
        "mongoserverselectionerror",
        "mongonetworkerror",
        "ip that isn't whitelisted",
        "querysrv enotfound",
        "querysrv econnrefused",
        "the `uri` parameter to `openuri()` must be a string",
    ],
    detect,
    examples: &[Example {
        log: "MongooseServerSelectionError: Could not connect to any servers in your MongoDB Atlas cluster. One common reason is that you're trying to access the database from an IP that isn't whitelisted.",
        subject: "MongooseServerSelectionError",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"querySrv (?:ENOTFOUND|ECONNREFUSED) ([\w.-]+)|The `(uri)` parameter to `openUri|(Mongo(?:ose)?ServerSelectionError|ServerSelectionTimeoutError|MongoNetworkError)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("MongoDB cannot be reached: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
