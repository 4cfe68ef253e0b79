//! `os-download-404`: a file that a step downloads is not there.

use crate::diagnosis::Case;
use crate::diagnosis::downloads;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "os-download-404",
    what: "A file that a step downloads is not there",
    why: "The file moved or was taken away; where curl lacks -f or -L, an error page or a redirect is saved in its place and cannot be unpacked.",
    advice: "Look for the file's new place, use curl -fL, or pin a version that is still published.",
    stage: Stage::OsPackage,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "404",
        "403",
        "not in gzip format",
        "invalid magic",
        "End-of-central-directory",
        "cannot find zipfile directory",
        "does not look like a tar archive",
        "File format not recognized",
        "Cannot open: No such file",
        "exit code: 22",
        "non-zero code: 22",
        "exit code: 8",
        "non-zero code: 8",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN wget https://example.com/x-1.0.tar.gz\n#6 0.5 2020-01-01 00:00:00 ERROR 404: Not Found.\n#6 ERROR: process \"/bin/sh -c wget https://example.com/x-1.0.tar.gz\" did not complete successfully: exit code: 8",
            subject: "https://example.com/x-1.0.tar.gz",
            ..Example::BLANK
        },
        Example {
            log: "Step 2/2 : RUN curl -s https://example.com/x.tar.xz | tar -xJ\nxz: (stdin): File format not recognized\ntar: Child returned status 1\nThe command '/bin/sh -c curl -s https://example.com/x.tar.xz | tar -xJ' returned a non-zero code: 2",
            files: &[("Dockerfile", "FROM debian\nRUN curl -s https://example.com/x.tar.xz | tar -xJ\n")],
            subject: "https://example.com/x.tar.xz",
            remedy: Some((
                "follow-redirects",
                &[("Dockerfile", "FROM debian\nRUN curl -L -s https://example.com/x.tar.xz | tar -xJ\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"ERROR 40[34]: ?[\w ]*|curl: \(22\)|wget: server returned error: HTTP/\S+ 4\d\d",
    r"not in gzip format|(?:tar|gzip): invalid magic|End-of-central-directory signature not found|cannot find zipfile directory|does not look like a tar archive|xz: \(stdin\): File format not recognized",
    r"tar(?: \(child\))?: (?P<file>[\w.+-]+\.(?:tar|tgz|gz|xz|bz2|zip)[\w.]*): Cannot open: No such file",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    case.log.failing.as_ref()?;
    let seen = SHAPES.last(case, lines);
    let Some(seen) = seen else {
        let at = downloads::silent_failure(case, &[("curl", 22), ("wget", 8)])?;
        let address = downloads::address(case, at);
        return Some(
            Hit::at(at, &address, format!("the download of `{address}` was refused by the server")).confidence(0.75),
        );
    };
    let file = seen.named(&["file"]);
    let address = if file.is_empty() { downloads::address(case, seen.line) } else { file.to_owned() };
    let why = format!("`{address}` is not what the step expects to download");
    let hit = Hit::at(seen.line, address, why).confidence(0.88);
    // Something came that is no archive: without -L curl saves the page that tells where the file has gone.
    let redirected =
        seen.wording == 1 && case.log.failing.as_ref().is_some_and(|step| halting(&step.command).is_some());
    Some(if redirected { hit.policy(Policy::Fix) } else { hit })
}

/// The first two words of the `curl` in `command` that follows no redirects.
fn halting(command: &str) -> Option<&str> {
    command.match_indices("curl ").map(|(at, _)| &command[at..]).find_map(|call| {
        let own = call.split(['&', ';', '|']).next().unwrap_or(call);
        let follows = own
            .split_whitespace()
            .any(|word| word == "--location" || word.starts_with('-') && !word.starts_with("--") && word.contains('L'));
        let end = own.match_indices(' ').nth(1).map_or(own.len(), |(end, _)| end);
        (!follows && own.contains("://")).then(|| own[..end].trim_end())
    })
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction().filter(|_| hit.policy == Some(Policy::Fix)) else {
        return Prescription::none();
    };
    let Some(call) = halting(&case.dockerfile.instructions()[index].args) else { return Prescription::none() };
    Prescription::none().with(
        "follow-redirects",
        "Let curl follow redirects",
        "the server sends to another place, and curl goes there only with -L",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            call,
            &call.replacen("curl ", "curl -L ", 1),
        ),
    )
}
