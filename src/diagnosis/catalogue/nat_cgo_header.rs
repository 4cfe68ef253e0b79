//! `nat-cgo-header`: cgo does not find a C header or pkg-config.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command, for_pkg_config};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-cgo-header",
    what: "A Go package with C code cannot be built",
    why: "cgo compiles C code and needs a compiler, the library's headers, and often pkg-config.",
    advice: "Install the development package and pkg-config in the build stage; or build with CGO_ENABLED=0 where the C code is optional.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "# pkg-config --cflags",
        "could not determine kind of name for c.",
        "pkg-config: exec: \"pkg-config\": executable file not found",
        "cgo: c compiler",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "# pkg-config --cflags  -- vips\npkg-config: exec: \"pkg-config\": executable file not found in $PATH",
        files: &[("Dockerfile", "FROM golang:1.22-alpine\nCOPY . .\nRUN go build ./...\n")],
        subject: "pkg-config",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM golang:1.22-alpine\nRUN apk add --no-cache pkgconf\nCOPY . .\nRUN go build ./...\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"# pkg-config --cflags.* ([\w.+-]+)$|could not determine kind of name for (C\.\w+)|exec: \"(pkg-config)\": executable file not found|cgo: C compiler \"(\w+)\" not found"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("cgo does not find `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.9))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(need) = for_command(&hit.subject).or_else(|| for_pkg_config(&hit.subject)) else {
        return Prescription::none();
    };
    native::prescribe(case, &[need], "cgo needs it")
}
