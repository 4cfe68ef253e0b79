//! `nat-autotools`: a configure script stops, or the autotools are missing.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-autotools",
    what: "A configure script cannot go on",
    why: "A source build checks what is there before it compiles. A tool (autoconf, libtool, bison) or library that it needs is missing.",
    advice: "Install the tool or the library that the message names.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["os-command-missing"],
    needles: &[
        "configure: error: ",
        "can't exec \"",
        "autoreconf: not found",
        "possibly undefined macro",
        "aclocal: not found",
        "autoconf: not found",
        "automake: not found",
        "c compiler cannot create executables",
        "bison: not found",
        "flex: not found",
        "libtoolize: not found",
        "autoreconf: command not found",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "./autogen.sh: 3: autoreconf: not found",
        files: &[("Dockerfile", "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN ./autogen.sh\n")],
        subject: "autoreconf",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends autoconf automake libtool pkg-config \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN ./autogen.sh\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"configure: error: (.{1,100})|Can't exec \"(\w+)\"|(autoreconf|aclocal|autoconf|automake|libtoolize|bison|flex): (?:command )?not found|possibly undefined macro: (\w+)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    if case.text(found.line).contains("acceptable C compiler") {
        return None;
    }
    let subject = found.subject();
    let why = format!("the configure step stops at `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(need) = for_command(&hit.subject) else { return Prescription::none() };
    native::prescribe(case, &[need], "the build calls it")
}
