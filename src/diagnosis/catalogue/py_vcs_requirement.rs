//! `py-vcs-requirement`: a requirement from git cannot be fetched.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, for_command};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::python;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::manifest::requirements;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-vcs-requirement",
    what: "A requirement from a git repository cannot be installed",
    why: "The image has no git, or the address or its revision no longer exists.",
    advice: "Install git before pip runs; correct the revision behind the @.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "reference is not a tree",
        "has an empty revision (after @)",
        "couldn't find the binary git",
        "cannot find command 'git'",
        "no such file or directory: 'git'",
        "git executable not found",
        "more than one .egg-info directory found",
        "did not match any file(s) known to git",
        "failed to resolve git",
        "git clone --filter=blob:none",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  ERROR: Error [Errno 2] No such file or directory: 'git' while executing command git version\nERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "git+https://github.com/a/b.git\n"),
            ],
            subject: "git",
            remedy: Some((
                "install-packages",
                &[(
                    "Dockerfile",
                    "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends git \\\n && rm -rf /var/lib/apt/lists/*\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "ERROR: The URL 'git+https://github.com/a/b.git@#egg=b' has an empty revision (after @) which is not supported. Include a revision after @ or remove @ from the URL.",
            files: &[
                ("Dockerfile", "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"),
                ("requirements.txt", "git+https://github.com/a/b.git@#egg=b\n"),
            ],
            subject: "git+https://github.com/a/b.git@#egg=b",
            remedy: Some(("drop-empty-revision", &[("requirements.txt", "git+https://github.com/a/b.git#egg=b\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"reference is not a tree: (\w+)|The URL '([^']+)' has an empty revision|(?:Couldn't find the binary|Cannot find command|No such file or directory:|Error \[Errno 2\] No such file or directory:) '?(git)'?|(Git executable) not found|(More than one \.egg-info) directory found|pathspec '([^']+)' did not match any file|git clone .*? ((?:git\+)?https?://\S+).* did not run successfully",
]);
static ADDRESS: Phrases = Phrases::new(&[r"(git\+(?:https?|ssh)://\S+)"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    let vague = found.get(5).is_some();
    let address = case.log.lines[..found.line]
        .iter()
        .rev()
        .find_map(|line| ADDRESS.read(&line.text))
        .map(|found| found.subject().to_owned());
    let said = found.subject();
    if vague && address.is_none() {
        return None;
    }
    let subject = match address {
        Some(address) if vague => address,
        _ => said.replace("Git executable", "git"),
    };
    let why = format!("the requirement from git cannot be fetched: `{subject}`");
    Some(Hit::at(found.line, subject, why).confidence(0.93).policy(if vague { Policy::Human } else { Policy::Fix }))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if hit.subject == "git" {
        let needs: Vec<_> = for_command("git").into_iter().collect();
        return native::prescribe(case, &needs, "a requirement is fetched from a git repository");
    }
    let entries = python::all_entries(case);
    let empty = entries.iter().find(|entry| entry.text.contains(&hit.subject) && entry.text.contains("@#"));
    let edit =
        empty.and_then(|entry| requirements::set_text(case.workspace, entry, &entry.text.replacen("@#", "#", 1)));
    Prescription::of(edit.map(|edit| Remedy {
        id: "drop-empty-revision".into(),
        title: "Remove the @ that no revision follows".into(),
        why: "without it the default branch is meant, as older versions of pip understood it".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }))
}
