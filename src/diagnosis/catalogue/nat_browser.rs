//! `nat-browser`: a browser that is driven by the program is missing or incomplete.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-browser",
    what: "The browser of Puppeteer or Playwright does not start",
    why: "The package drives a Chromium that is downloaded apart from it and needs system libraries that slim images lack.",
    advice: "Base the image on the Playwright or Puppeteer image of the same version, or install the browser with its libraries in the build.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to launch the browser process",
        "executable doesn't exist at",
        "host system is missing dependencies to run browsers",
        "failed to set up chrom",
        "failed to download chromium",
        "could not find chrome",
        "could not find chromium",
        "cannot find chrome binary",
    ],
    detect,
    examples: &[Example {
        log: "Error: Could not find Chrome (ver. 121.0.6167.85). This can occur if either",
        subject: "Chrome",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"(Failed to launch the browser process)|Executable doesn't exist at (\S+)|(Host system is missing dependencies)|(?:Failed to set up|Failed to download|Could not find) (Chrom\w+)|cannot find (Chrome) binary",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = found.subject();
    let why = format!("the browser cannot be started: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
