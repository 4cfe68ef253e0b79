//! `app-python-syntax`: a Python source does not parse.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "app-python-syntax",
    what: "A Python file does not parse",
    why: "The file has a slip, or it uses syntax that this Python does not know.",
    advice: "Correct the line; if the file belongs to an installed package, choose a Python and a version of the package that fit.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &["syntaxerror: ", "indentationerror: ", "taberror: "],
    detect,
    examples: &[Example {
        log: "  File \"/app/shop/views.py\", line 12\n    def index(request)\n                      ^\nSyntaxError: expected ':'",
        subject: "/app/shop/views.py",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[r"^\s*(?:E\s+)?(?:Syntax|Indentation|Tab)Error: (.*)$"]);
static NUMBER: Phrases = Phrases::new(&[r#"File "[^"]+", line (\d+)"#]);
static FRAME: Phrases = Phrases::new(&[r#"File "([^"]+)", line \d+"#]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let file = FRAME.above(case, found.line, 6)?;
    let frame = file.subject();
    let script = std::path::Path::new(frame).extension().is_some_and(|end| end == "js" || end == "mjs" || end == "ts");
    if script || python::is_foreign(frame) || case.text(found.line).contains("Missing parentheses") {
        return None;
    }
    let subject = match frame {
        path if path.starts_with('<') => found.subject(),
        path => path,
    };
    let number = NUMBER.on(case, file.line).map_or_else(String::new, |found| format!(", line {}", &found[1]));
    let why = format!("a Python source does not parse: `{subject}`{number}: {}", &found[1]);
    Some(Hit::at(found.line, subject, why).confidence(0.8))
}
