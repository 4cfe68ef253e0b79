//! `nat-lib-version-mismatch`: a binding does not fit the library in the image.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-lib-version-mismatch",
    what: "A package does not fit the version of its native library",
    why: "The binding moved on (or stayed behind) while the library in the image did not: its headers have other names and types.",
    advice: "Pin the binding to the release that belongs to the library's version, or raise the base image.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "error: expected class-name before",
        "is not a member of",
        "has no member named",
        "incompatible library version",
        "version mismatch",
        "requires at least version",
        "is too old",
        "was not declared in this scope",
    ],
    detect,
    examples: &[Example {
        log: "  /app/audio/torchaudio/csrc/typedefs.h:7:46: error: expected class-name before '{' token\nerror: command 'gcc' failed with exit status 1",
        subject: "torchaudio",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(?:^|\s)(\S*?([\w-]+)/[\w./-]+\.(?:h|hpp|c|cc|cpp|cu)):\d+:\d+: error: (?:expected class-name before|['‘][\w:]+['’] is not a member of|['‘].*['’] has no member named|['‘][\w:]+['’] was not declared in this scope)",
]);
static PACKAGE: Phrases = Phrases::new(&[r"Failed building wheel for ([\w.\-]+)|Failed to build ([\w.\-]+)$"]);
static FOLDER: Phrases = Phrases::new(&[r"/([\w\-]+)/(?:csrc|src|include|lib)/"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let of_pip = ["error: command '", "setup.py", "Failed building wheel"].iter().any(|mark| case.mentions(mark));
    if !of_pip {
        return None;
    }
    let subject = PACKAGE
        .below(case, found.line, 400)
        .map(|package| package.subject().to_owned())
        .or_else(|| FOLDER.read(&found[1]).map(|folder| folder.subject().to_owned()))
        .unwrap_or_else(|| found[2].to_owned());
    let why = "code that is compiled here does not fit the library it is compiled against";
    Some(Hit::at(found.line, subject, why).confidence(0.6))
}
