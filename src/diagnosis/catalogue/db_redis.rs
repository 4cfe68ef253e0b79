//! `db-redis`: Redis cannot be reached.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "db-redis",
    what: "Redis cannot be reached",
    why: "The address of Redis is not set, so that the default, the own machine, is tried; or the instance is gone.",
    advice: "Link the Redis (Key Value) instance to the service and read its address from REDIS_URL.",
    stage: Stage::RuntimeDb,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "redis.exceptions.connectionerror",
        "[ioredis] unhandled error event",
        "redis client error",
        "maxretriesperrequesterror",
        "connecting to localhost:6379",
        "econnrefused 127.0.0.1:6379",
        "cannot connect to redis://",
        "econnrefused ::1:6379",
        "connecting to redis:6379",
        "error connecting to redis on",
    ],
    detect,
    examples: &[Example {
        log: "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
        subject: "localhost:6379",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:redis\.exceptions\.ConnectionError.*)?connecting to (?:Redis on )?([\w.-]+:6379)|ECONNREFUSED ((?:127\.0\.0\.1|::1):6379)|[Cc]annot connect to (redis://[\w.:-]+)|(MaxRetriesPerRequestError)|(redis\.exceptions\.ConnectionError)|\[ioredis\] (Unhandled error event)|(Redis Client Error)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("Redis cannot be reached at `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
