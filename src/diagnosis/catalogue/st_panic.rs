//! `st-panic`: the program panics at the start.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, golang};

pub const RULE: Rule = Rule {
    id: "st-panic",
    what: "The program panics at the start",
    why: "It came upon something it does not handle: a variable that is not set, a file or a time zone that is \
          not in the image.",
    advice: "Read the message of the panic and the first line of the project below it.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Symptom,
    needles: &[
        "goroutine 1 [running]",
        "thread 'main' panicked",
        "panicked at",
        "panic: ",
        "fatal error: all goroutines",
        "Segmentation fault",
        "core dumped",
        "Unable to start worker",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "[1] Puma starting in cluster mode...\n[169] ! Unable to start worker\n[169] /app/config.ru:4:in `fetch'\n[169] Early termination of worker",
            subject: "/app/config.ru:4",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "panic: unknown time zone Europe/Berlin\n\ngoroutine 1 [running]:\nexample.org/a.MustLoad({0x90faa0, 0x4, 0x4170f6?})",
            files: &[(
                "Dockerfile",
                "FROM golang:1.23 AS build\nCOPY . .\nRUN go build -o /meetwhen ./cmd/server\n\nFROM scratch\nCOPY --from=build /meetwhen /meetwhen\nENTRYPOINT [\"/meetwhen\"]\n",
            )],
            subject: "unknown time zone Europe/Berlin",
            remedy: Some((
                "embed-time-zones",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23 AS build\nCOPY . .\nRUN go build -tags timetzdata -o /meetwhen ./cmd/server\n\nFROM scratch\nCOPY --from=build /meetwhen /meetwhen\nENTRYPOINT [\"/meetwhen\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d",
            subject: "runtime error: invalid memory address or nil pointer dereference",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"panic: (unknown time zone \S+)",
    r"panic: (.+?)(?: \[recovered\])?$",
    r"thread '\S+'(?: \(\d+\))? panicked at '?([^',]+)",
    r"(fatal error: all goroutines are asleep)",
    r"((?i:segmentation fault))",
    r"(goroutine 1) \[running\]",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if case.log.failing.is_some() {
        return None;
    }
    if let Some(hit) = of_worker(case, lines) {
        return Some(hit);
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let hit = Hit::at(found.line, subject, format!("the program panics: {subject}"));
    // Here the message is the whole story: the image has no time zones.
    Some(if found.wording == 0 { hit.weight(Weight::Root).policy(Policy::Fix) } else { hit })
}

/// Puma's cluster tells of a worker that ends only the place in the source.
fn of_worker(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    static PLACE: Phrases = Phrases::new(&[r"(\S+\.(?:rb|ru):\d+):in"]);
    let at = lines.iter().rev().copied().find(|at| case.text(*at).contains("Unable to start worker"))?;
    let place = PLACE.on(case, at + 1)?;
    let why = format!("puma cannot start a worker: an error at {}", &place[1]);
    Some(Hit::at(at, &place[1], why).weight(Weight::Typical).confidence(0.8))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if !hit.subject.starts_with("unknown time zone") {
        return Prescription::none();
    }
    Prescription::of(golang::with_time_zones(case))
}
