//! `ctx-submodule`: a git submodule is empty.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "ctx-submodule",
    what: "A git submodule is empty",
    why: "A submodule is only a pointer to another repository. If it was not fetched (private, ssh address, not initialised), its folder is empty in the build.",
    advice: "Use an https address for public submodules, or fetch the code in the Dockerfile at the commit the pointer names.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["CMakeLists.txt", "submodule", "does not have a commit checked out"],
    detect,
    examples: &[Example {
        log: "#6 [2/3] RUN cmake .\n#6 0.5 CMake Error: The source directory \"/src/third_party/googletest\" does not appear to contain CMakeLists.txt.\n#6 ERROR: process \"/bin/sh -c cmake .\" did not complete successfully: exit code: 1",
        subject: "/src/third_party/googletest",
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r#"source directory "(?P<a>[^"]+)" does not appear to contain CMakeLists"#,
    r"(?:into|for) submodule path '(?P<b>[^']+)'",
    r"No url found for submodule path \'(?P<c>[^\']+)\'",
    r"'(?P<d>[^']+)' does not have a commit checked out",
    r#"add_subdirectory given source "(?P<e>[^"]+)" which is not an existing"#,
    r"does not contain a CMakeLists\.txt file",
    r"The source directory$",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    // Only where the repository has submodules, or the files are not known.
    let modules = case.workspace.contains(".gitmodules");
    let unknown = case.workspace.paths().count() <= 1;
    if !modules && !unknown {
        return None;
    }
    let subject = match seen.named(&["a", "b", "c", "d", "e"]) {
        "" => folder_before(case, seen.line),
        path => path.to_owned(),
    };
    let why = format!("the submodule `{subject}` is empty in the build");
    Some(Hit::at(seen.line, subject, why).confidence(0.92))
}

/// CMake names the folder on one of the lines before.
fn folder_before(case: &Case<'_>, at: usize) -> String {
    let path = |text: &str| Some(text.trim().to_owned()).filter(|text| text.starts_with('/') && !text.contains(' '));
    (at.saturating_sub(4)..at).rev().find_map(|each| path(case.text(each))).unwrap_or_default()
}
