//! `nat-pillow`: Pillow does not find its image libraries.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_package};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python::pins;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-pillow",
    what: "Pillow cannot be built: an image library is missing",
    why: "This release of Pillow has no ready wheel for this Python and is compiled against libjpeg and zlib.",
    advice: "Raise Pillow to a release with a wheel for this Python, or install libjpeg-dev and zlib1g-dev before pip runs.",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["headers or library files could not be found for", "requireddependencyexception"],
    detect,
    remedies,
    examples: &[Example {
        log: "The headers or library files could not be found for jpeg,\na required dependency when compiling Pillow from source.",
        files: &[(
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
        )],
        subject: "pillow",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libjpeg-dev zlib1g-dev \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases =
    Phrases::new(&[r"headers or library files could not be found for (?:jpeg|zlib)|RequiredDependencyException"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.first(case, lines)?;
    let subject = "pillow";
    let why = "Pillow is compiled here, and an image library is not installed";
    Some(Hit::at(found.line, subject, why).confidence(0.96))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let needs: Vec<_> = [Some(compiler()), for_package("pillow")].into_iter().flatten().collect();
    let mut out = native::prescribe(case, &needs, "Pillow is compiled against these libraries");
    if let Some(pin) = pins::pin_of(case, "pillow") {
        let fitting = pins::fit_python(case, case.failing_instruction(), "pillow", Some(&pin));
        out.remedies.extend(fitting.remedies);
        out.questions.extend(fitting.questions);
    }
    out
}
