//! `ctx-submodule`: a git submodule is empty.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, copying};

pub const RULE: Rule = Rule {
    id: "ctx-submodule",
    what: "A git submodule is empty",
    why: "A submodule is only a pointer to another repository. If it was not fetched (private, ssh address, not initialised), its folder is empty in the build.",
    advice: "Use an https address for public submodules, or fetch the code in the Dockerfile at the commit the pointer names.",
    stage: Stage::ContextCopy,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    before: &["ctx-copy-source-missing"],
    needles: &[
        "CMakeLists.txt",
        "submodule",
        "does not have a commit checked out",
        "failed to calculate checksum of ref",
        "COPY failed",
        "ADD failed",
        "not found: not found",
        "/buildkit-mount",
    ],
    detect,
    examples: &[
        Example {
            log: "#7 [3/4] COPY theme /usr/share/nginx/html/theme\n#7 ERROR: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/theme\": not found\nDockerfile:2\n--------------------\n   2 | >>> COPY theme /usr/share/nginx/html/theme\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/theme\": not found",
            files: &[
                ("Dockerfile", "FROM nginx\nCOPY theme /usr/share/nginx/html/theme\n"),
                (
                    ".gitmodules",
                    "[submodule \"theme\"]\n\tpath = theme\n\turl = git@git.example.org:design/theme.git\n",
                ),
            ],
            subject: "theme",
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN cmake .\n#6 0.5 CMake Error: The source directory \"/src/third_party/googletest\" does not appear to contain CMakeLists.txt.\n#6 ERROR: process \"/bin/sh -c cmake .\" did not complete successfully: exit code: 1",
            subject: "/src/third_party/googletest",
            ..Example::BLANK
        },
    ],
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
    if let Some(missing) = copying::missing(case, lines)
        && let Some(module) = module_of(case, &missing.path)
    {
        let why =
            format!("`{module}` is a submodule, a pointer to another repository, whose files are not in the build");
        return Some(Hit::at(missing.at, module, why).confidence(0.97));
    }
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

/// The submodule that `path` of the context is or lies in.
fn module_of(case: &Case<'_>, path: &str) -> Option<String> {
    let path = case.in_repository(&copying::plain(path));
    let lines = case.workspace.lines(".gitmodules");
    let folders = lines.iter().filter_map(|line| line.trim().strip_prefix("path")?.trim_start().strip_prefix('='));
    let mut folders = folders.map(str::trim);
    folders.find(|folder| path == **folder || path.starts_with(&format!("{folder}/"))).map(str::to_owned)
}

/// CMake names the folder on one of the lines before.
fn folder_before(case: &Case<'_>, at: usize) -> String {
    let path = |text: &str| Some(text.trim().to_owned()).filter(|text| text.starts_with('/') && !text.contains(' '));
    (at.saturating_sub(4)..at).rev().find_map(|each| path(case.text(each))).unwrap_or_default()
}
