//! `df-run-shell-syntax`: a RUN line is no valid shell.

use crate::diagnosis::Case;
use crate::diagnosis::base;
use crate::diagnosis::installs;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-run-shell-syntax",
    what: "A RUN line is no valid shell",
    why: "RUN lines are run by /bin/sh, which is dash on Debian and busybox on Alpine. `source`, `[[ ]]`, arrays and `${x//y}` are bash; a line that ends with && goes on into nothing.",
    advice: "Write the line portably, or add SHELL [\"/bin/bash\", \"-c\"] where the image has bash.",
    stage: Stage::DockerfileParse,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["Syntax error", "syntax error", "source: not found", "Bad substitution", "[[: not found"],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN source venv/bin/activate && pip install flask\n#6 0.5 /bin/sh: 1: source: not found\n#6 ERROR: process \"/bin/sh -c source venv/bin/activate && pip install flask\" did not complete successfully: exit code: 127",
            files: &[("Dockerfile", "FROM python:3.12-slim\nRUN source venv/bin/activate && pip install flask\n")],
            subject: "source",
            remedy: Some((
                "use-dot",
                &[("Dockerfile", "FROM python:3.12-slim\nRUN . venv/bin/activate && pip install flask\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN apt-get update &&\n#6 0.5 /bin/sh: 2: Syntax error: end of file unexpected\n#6 ERROR: process \"/bin/sh -c apt-get update &&\" did not complete successfully: exit code: 2",
            files: &[("Dockerfile", "FROM debian\nRUN apt-get update && \\\n  echo done &&\nCMD [\"true\"]\n")],
            subject: "Syntax error: end of file unexpected",
            remedy: Some((
                "end-command",
                &[("Dockerfile", "FROM debian\nRUN apt-get update && \\\n  echo done\nCMD [\"true\"]\n")],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"sh: (?:\d+: )?(?:eval: )?(?:line )?(?:\d+: )?(?P<what>[Ss]yntax error:? ?.*)",
    r"sh: (?:\d+: )?(?P<cmd>source|\[\[|shopt|pushd|declare): not found",
    r"sh: (?:line )?(?:\d+: )?(?:.*: )?(?P<bad>[Bb]ad substitution)",
    r"^(?:bash: |/bin/bash: )(?:-c: )?(?:line \d+: )?(?P<what2>syntax error near unexpected token .*)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let subject = seen.named(&["what", "cmd", "bad", "what2"]).trim();
    // A script of the project that is wrong is another matter than a RUN line.
    let in_script = case.text(seen.line).split(": ").next().is_some_and(|first| first.contains(".sh"));
    if in_script {
        return None;
    }
    Some(
        Hit::at(seen.line, subject, format!("{} is no valid shell: {subject}", case.failing_step_named()))
            .confidence(0.95),
    )
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let dangling = case
        .dockerfile
        .instructions()
        .iter()
        .position(|each| each.keyword == "RUN" && each.args.trim_end().ends_with("&&"));
    let Some(index) = case.failing_instruction().or(dangling) else { return Prescription::none() };
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let instruction = &dockerfile.instructions()[index];
    let mut out = Prescription::none();
    if instruction.args.trim_end().ends_with("&&") {
        let texts = workspace.lines(path);
        let last = (instruction.first_line..=instruction.last_line)
            .rev()
            .find(|line| texts.get(line - 1).is_some_and(|text| text.contains("&&")));
        let new = last
            .and_then(|line| texts[line - 1].rfind("&&").map(|at| (line, texts[line - 1][..at].trim_end().to_owned())));
        out = out.with(
            "end-command",
            "Take the `&&` at the end away",
            "nothing follows it",
            Applicability::Rehearse,
            new.and_then(|(line, new)| Edit::replace(workspace, path, line, instruction.last_line, &[&new])),
        );
    }
    if hit.subject == "source" {
        out = out.with(
            "use-dot",
            "Write `.` for `source`",
            "`.` is the name of the same command in every shell",
            Applicability::Rehearse,
            edit::replace_in_instruction(workspace, path, dockerfile, index, "source ", ". "),
        );
    }
    let bash = matches!(hit.subject.as_str(), "source" | "[[" | "shopt" | "pushd" | "declare")
        || hit.subject.to_lowercase().contains("substitution");
    if bash && installs::family_at(case, index) == Some(base::Family::Debian) {
        out = out.with(
            "use-bash",
            "Run the following steps with bash",
            "the line is written for bash, which Debian images have",
            Applicability::Rehearse,
            edit::insert_before_instruction(workspace, path, dockerfile, index, &["SHELL [\"/bin/bash\", \"-c\"]"]),
        );
    }
    out
}
