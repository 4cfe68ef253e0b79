//! `nat-lxml`: lxml does not find libxml2 and libxslt, or does not compile.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_package};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-lxml",
    what: "lxml cannot be built",
    why: "This release of lxml has no ready wheel for this Python and is compiled against libxml2 and libxslt.",
    advice: "Raise lxml to a release with a wheel for this Python, or install libxml2-dev and libxslt1-dev before pip runs.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "xslt-config",
        "could not find function xmlcheckversion",
        "libxml2 and libxslt development packages",
        "xmlversion.h: no such file",
        "src/lxml/",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Error: Please make sure the libxml2 and libxslt development packages are installed.",
        files: &[(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        )],
        subject: "lxml",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libxml2-dev libxslt1-dev \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"xslt-config|Could not find function xmlCheckVersion|libxml2 and libxslt development packages|xmlversion\.h: No such file|src/lxml/\S+: (?:fatal )?error: ",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let subject = "lxml";
    let why = "lxml is compiled here and cannot be";
    Some(Hit::at(found.line, subject, why).confidence(0.95))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    // Sources that do not fit this Python are not helped by a library.
    if hit.line.is_some_and(|line| case.text(line).contains("error: ")) {
        return Prescription::none();
    }
    let needs: Vec<_> = [Some(compiler()), for_package("lxml")].into_iter().flatten().collect();
    native::prescribe(case, &needs, "lxml is compiled against these libraries")
}
