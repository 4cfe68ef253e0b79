//! `app-script-not-executable`: a step runs a script that lacks the executable bit.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "app-script-not-executable",
    what: "A build step runs a script that is not executable",
    why: "git keeps the executable bit of a file, and COPY takes it over. A script that was committed without it, as from \
          Windows, cannot be run by its path.",
    advice: "Give the script its executable bit (git update-index --chmod=+x), or run it as `sh script`.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Permission denied", "exit code: 126", "non-zero code: 126"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#8 [4/4] RUN ./build.sh\n#8 0.2 /bin/sh: 1: ./build.sh: Permission denied\n#8 ERROR: process \"/bin/sh -c ./build.sh\" did not complete successfully: exit code: 126",
            files: &[
                ("Dockerfile", "FROM debian\nWORKDIR /app\nCOPY . .\nRUN ./build.sh\n"),
                ("build.sh", "#!/bin/sh\necho hi\n"),
            ],
            subject: "build.sh",
            remedy: Some(("make-executable", &[("build.sh", "#!/bin/sh\necho hi\n")])),
            ..Example::BLANK
        },
        Example {
            files: &[
                ("Dockerfile", "FROM debian\nWORKDIR /app\nCOPY . .\nRUN ./build.sh\n"),
                ("build.sh", "#!/bin/sh\necho hi\n"),
            ],
            subject: "build.sh",
            remedy: Some(("make-executable", &[("build.sh", "#!/bin/sh\necho hi\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?:^|\s|/)(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?P<path>[\w./-]+): Permission denied",
    r#"^(?:sh|spawn|error:|make(?:\[\d+\])?:|exec:?)?[ :]*"?(?P<path>(?:\./|/)?[\w./-]*(?:\.sh|gradlew|mvnw)):?"? ?:? ?(?:Permission denied|EACCES)"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let denied = lines.iter().copied().filter(|at| case.text(*at).contains("ermission denied")).collect::<Vec<_>>();
    let seen = SHAPES.last(case, &denied)?;
    let path = seen.named(&["path"]);
    let code = case.log.failing.as_ref().and_then(|step| step.exit_code);
    // A shell also says so of a file that it may not write: then the exit code is not 126.
    if code.is_some_and(|code| code != 126) && !path.ends_with(".sh") && !path.ends_with('w') {
        return None;
    }
    let subject = script(case, path).unwrap_or_else(|| copying::plain(path));
    let why = format!("`{subject}` is run as a program but is not executable");
    Some(Hit::at(seen.line, subject, why).confidence(0.95))
}

/// The file of the context that is run as `path`.
fn script(case: &Case<'_>, path: &str) -> Option<String> {
    copying::origins(case, path).into_iter().find(|origin| case.workspace.contains(&case.in_repository(origin)))
}

/// Scripts with a shebang that a RUN calls by their path, without the bit and without any chmod in the Dockerfile.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let mut out = Vec::new();
    let instructions = case.dockerfile.instructions();
    let sets_modes = instructions
        .iter()
        .any(|each| each.args.contains("chmod") || each.args.contains("install -m") || each.flag("chmod").is_some());
    if sets_modes {
        return out;
    }
    for instruction in instructions.iter().filter(|each| each.keyword == "RUN" && each.exec().is_none()) {
        let words = instruction.words();
        for (at, word) in words.iter().enumerate() {
            let in_command_position = at == 0 || matches!(words[at - 1].as_str(), "&&" | ";");
            if !in_command_position || !word.starts_with("./") {
                continue;
            }
            let Some(path) = script(case, word) else { continue };
            let there = case.in_repository(&path);
            let plain = case.workspace.file(&there).is_some_and(|file| !file.executable);
            if plain && case.workspace.text(&there).is_some_and(|text| text.starts_with("#!")) {
                let why = format!("`{path}` is run as a program but is not executable");
                out.push(Hit::in_file(case.dockerfile_path, instruction.first_line, path, why).confidence(0.9));
            }
        }
    }
    out
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let path = case.in_repository(&hit.subject);
    let plain = case.workspace.file(&path).is_some_and(|file| !file.executable);
    Prescription::none().with(
        "make-executable",
        format!("Give `{path}` its executable bit"),
        "the script is called by its path, which only works with the bit",
        Applicability::Apply,
        plain.then(|| Edit::Executable { path: path.clone() }),
    )
}
