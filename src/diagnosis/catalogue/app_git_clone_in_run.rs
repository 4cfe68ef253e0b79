//! `app-git-clone-in-run`: a git clone or checkout in a build step fails.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "app-git-clone-in-run",
    what: "A git clone or checkout in a build step fails",
    why: "The repository moved or is private, the branch was renamed, the tag is gone, or the address uses the retired git:// protocol.",
    advice: "Correct the address or the branch, or pin a commit.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "could not read Username",
        "error: pathspec",
        "not found in upstream origin",
        "Could not find remote branch",
        "not currently on a branch",
        "repository not exported",
        "fatal: repository",
        "remote: Not Found",
        "unauthenticated git protocol",
        "fatal: destination path",
        "Remote branch",
        "unable to connect to",
        "Repository not found",
        "Could not read from remote repository",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "#6 [2/3] RUN git clone git://github.com/acme/lib.git\n#6 0.5 Cloning into 'lib'...\n#6 0.5 fatal: remote error:\n#6 0.5   The unauthenticated git protocol on port 9418 is no longer supported.\n#6 ERROR: process \"/bin/sh -c git clone git://github.com/acme/lib.git\" did not complete successfully: exit code: 128",
        files: &[("Dockerfile", "FROM buildpack-deps\nRUN git clone git://github.com/acme/lib.git\n")],
        subject: "git://github.com/acme/lib.git",
        remedy: Some((
            "use-https",
            &[("Dockerfile", "FROM buildpack-deps\nRUN git clone https://github.com/acme/lib.git\n")],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"could not read Username for '(?P<a>[^']+)'",
    r"fatal: repository '(?P<b>[^']+)' (?:not found|does not exist)",
    r"[Rr]emote branch (?P<c>\S+) not found|Could not find remote branch (?P<c2>\S+)",
    r"pathspec '(?P<d>[^']+)' did not match",
    r"fatal: destination path '(?P<e>[^']+)' already exists",
    r"unauthenticated git protocol|access denied or repository not exported: (?P<g>\S+)",
    r"^fatal: (?:remote error|unable to connect to (?P<f>[^:\s]+))",
    r"remote: (?:Not Found|Repository not found)|Could not read from remote repository|not currently on a branch",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let step = case.log.failing.as_ref()?;
    let command = &step.command;
    // Package managers call git, too; their failures have classes of their own.
    let by_git = ["git clone", "git checkout", "git pull", "git fetch", "git submodule", "git "]
        .iter()
        .any(|word| command.contains(word));
    let by_manager = [
        "bundle ",
        "npm ",
        "yarn",
        "pnpm",
        "pip ",
        "go get",
        "go mod",
        "go build",
        "cargo ",
        "composer",
        "dep ensure",
        "glide",
    ]
    .iter()
    .any(|word| command.contains(word));
    if !by_git && by_manager {
        return None;
    }
    static CLONED: Phrases =
        Phrases::new(&[r#"(?:git clone|git submodule add)[^&;|]*?((?:https?|git|ssh)://[^\s"';&|]+|git@[^\s"';&|]+)"#]);
    let named = seen.named(&["a", "b", "c", "c2", "d", "e", "g", "f"]).trim_end_matches(['.', ',']).to_owned();
    let address = CLONED
        .each(command)
        .map(|found| found[1].to_owned())
        .find(|address| named.is_empty() || address.contains(&named) || named.starts_with("http"));
    let subject = match (&address, named.is_empty() || named.starts_with("http") || named.starts_with('/')) {
        (Some(address), true) => address.clone(),
        _ => named,
    };
    let retired = command.contains("git://") && !case.dockerfile.text().is_empty();
    let policy = if retired { Policy::Fix } else { Policy::Human };
    let weight = if by_git { Weight::Root } else { Weight::Typical };
    Some(
        Hit::at(seen.line, &subject, format!("git could not fetch `{subject}`"))
            .confidence(0.9)
            .policy(policy)
            .weight(weight),
    )
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    // GitHub switched the protocol off on 2022-03-15; the same paths answer over https.
    Prescription::none().with(
        "use-https",
        "Clone over https instead of git://",
        "GitHub no longer answers the git protocol; the address is the same over https",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            "git://github.com/",
            "https://github.com/",
        ),
    )
}
