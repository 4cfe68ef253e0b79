//! `ph-address-in-use`: two processes want the same port.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ph-address-in-use",
    what: "Two processes want the same port",
    why: "The start command and the code each start a server, a proxy and the application share a port, or a \
          reloader starts twice.",
    advice: "Start one server only.",
    stage: Stage::PortHealth,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "EADDRINUSE",
        "Address already in use",
        "Connection in use: (",
        "address already in use",
        "was already in use",
    ],
    detect,
    examples: &[
        Example {
            log: "Error: listen EADDRINUSE: address already in use :::10000\n    at Server.setupListenHandle [as _listen2] (node:net:1463:16)",
            subject: "10000",
            ..Example::BLANK
        },
        Example {
            log: "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
            subject: "80",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"EADDRINUSE: address already in use \S*?:(\d+)",
    r"Connection in use: \('[^']*', (\d+)\)",
    r"(?:bind|listen tcp)[^\n]*?:(\d+): bind: address already in use",
    r"bind\(\) to \S+:(\d+) failed \(98",
    r"Port (\d+) (?:was|is) already in use",
    r"(?:Errno 98\]|EADDRINUSE|bind\(2\)).*?(?:port )?(\d{2,5})\b",
    r"([Aa]ddress already in use)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("the port is taken by another process ({subject})");
    Some(Hit::at(found.line, subject, why))
}
