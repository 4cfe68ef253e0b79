//! `py-python2-dropped`: a tool or package no longer supports Python 2.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "py-python2-dropped",
    what: "Python 2 is no longer supported",
    why: "The image has Python 2, and what is installed needs Python 3: the newest releases of most packages, and pip's own bootstrap script.",
    advice: "Base the image on Python 3; or pin the last releases for 2.7, and use bootstrap.pypa.io/pip/2.7/get-pip.py.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "requires python 3.5+",
        "missing parentheses in call to",
        "sys.stderr.write(f\"error: {exc}\")",
        "this script does not work on python 2",
        "python version >= 3",
        "python 2 is no longer supported",
        "does not support python 2",
        "requires python '>=3",
    ],
    detect,
    examples: &[
        Example {
            log: "  File \"/usr/lib/python2.7/site.py\", line 1\nERROR: This script does not work on Python 2.7 The minimum supported Python version is 3.9. Please use https://bootstrap.pypa.io/pip/2.7/get-pip.py instead.",
            subject: "python 2",
            ..Example::BLANK
        },
        Example {
            log: "Collecting scipy (from -r requirements.txt (line 4))\n  File \"/usr/lib/python2.7/dist-packages/setuptools/x.py\", line 1, in run_setup\nRuntimeError: Python version >= 3.6 required.",
            subject: "scipy",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r#"(?:([\w-]+)[^\n]{0,40})?requires Python 3\.5\+|Missing parentheses in call to|sys\.stderr\.write\(f\"ERROR: \{exc\}\"\)|This script does not work on Python|RuntimeError: Python version >= 3|Python 2 is no longer supported|does not support Python 2|requires Python '>=3"#,
]);
static COLLECTING: Phrases = Phrases::new(&[r"^\s*(?:Collecting|Searching for|Downloading/unpacking) ([\w.\-]+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let python2 = ["python2", "Python 2", "python:2"]
        .iter()
        .any(|mark| case.log.lines.iter().any(|line| line.text.contains(mark)))
        || case.dockerfile.text().contains("python:2");
    if !python2 && !case.text(found.line).contains("f\"ERROR") {
        return None;
    }
    let _ = found;
    let subject = COLLECTING
        .above(case, found.line, 200)
        .map_or_else(|| "python 2".to_owned(), |found| found.subject().to_owned());
    let why = "what is installed here needs Python 3, and this is Python 2";
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}
