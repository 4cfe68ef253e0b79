//! `df-crlf`: a script has Windows line ends.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::remedy::{Applicability, Edit};

pub const RULE: Rule = Rule {
    id: "df-crlf",
    what: "A shell script has Windows line ends",
    why: "Linux takes the carriage return at the end of the `#!` line for a part of the interpreter's name, finds no such \
          program and says that the script does not exist; within a script, commands get a stray character.",
    advice: "Convert the script to LF line ends and keep them so with `*.sh text eol=lf` in .gitattributes.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    before: &["st-entrypoint-missing"],
    needles: &["bad interpreter", "\\r'", "\\r’", "no such file or directory", "not found", "bash\\r", "sh\\r"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "exec ./entrypoint.sh: no such file or directory",
            files: &[
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nWORKDIR /app\nCOPY entrypoint.sh .\nENTRYPOINT [\"./entrypoint.sh\"]\n",
                ),
                ("entrypoint.sh", "#!/bin/sh\r\nexec python app.py\r\n"),
            ],
            executable: &["entrypoint.sh"],
            subject: "entrypoint.sh",
            remedy: Some(("line-feeds", &[("entrypoint.sh", "#!/bin/sh\nexec python app.py\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/usr/bin/env: ‘bash\\r’: No such file or directory",
            files: &[
                ("Dockerfile", "FROM debian\nWORKDIR /app\nCOPY . .\nRUN ./build.sh\n"),
                ("build.sh", "#!/usr/bin/env bash\r\nmake\r\n"),
            ],
            executable: &["build.sh"],
            subject: "build.sh",
            remedy: Some(("line-feeds", &[("build.sh", "#!/usr/bin/env bash\nmake\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"(?P<path>[\w./-]+): .*(?:\^M|\\r): bad interpreter",
    r#"env: ['‘"`](?:bash|sh|python3?|node)\\r['’"`]|\$'\\r': command not found|(?:/bin/(?:ba)?sh\^M)"#,
    r#"(?:exec|exec format|starting container process[^"]*exec:) \\?"?(?P<path>[\w./-]+)\\?"?: (?:stat [^:]+: )?no such file or directory"#,
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let scripts = windows_scripts(case);
    let seen = SHAPES.last(case, lines)?;
    let named = copying::plain(seen.named(&["path"]));
    if seen.wording < 2 {
        let by_name = scripts.iter().find(|script| !named.is_empty() && ends_alike(script, &named));
        let subject = by_name.or(scripts.first()).cloned().unwrap_or(named);
        let why = format!("`{subject}` has Windows line ends");
        return Some(Hit::at(seen.line, subject, why).confidence(0.97));
    }
    // "no such file" of a script that is there: only the line ends can be meant, if it has Windows ones.
    let script = scripts.into_iter().find(|script| ends_alike(script, &named))?;
    let why = format!("`{script}` has Windows line ends, so its interpreter is not found");
    Some(Hit::at(seen.line, script, why).confidence(0.95))
}

fn ends_alike(script: &str, named: &str) -> bool {
    script.rsplit('/').next() == named.rsplit('/').next()
}

/// Scripts of the context whose first line is a shebang that ends with a carriage return.
fn windows_scripts(case: &Case<'_>) -> Vec<String> {
    let paths = case.context.paths().filter(|path| {
        let bytes = case.workspace.bytes(&case.in_repository(path)).unwrap_or_default();
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        first.starts_with(b"#!") && first.ends_with(b"\r")
    });
    paths.map(str::to_owned).collect()
}

/// Those that the Dockerfile runs by name and does not convert.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let text = case.dockerfile.text();
    if text.contains("dos2unix") || text.contains("\\r") {
        return vec![];
    }
    let calls = |name: &str| {
        case.dockerfile.instructions().iter().find(|each| {
            let words = each.words();
            matches!(each.keyword.as_str(), "ENTRYPOINT" | "CMD" | "RUN")
                && words.iter().enumerate().any(|(at, word)| {
                    word.contains('/') && word.rsplit('/').next() == Some(name) && (at == 0 || words[at - 1] == "&&")
                })
        })
    };
    let scripts = windows_scripts(case).into_iter();
    scripts
        .filter_map(|script| {
            let name = script.rsplit('/').next().unwrap_or(&script).to_owned();
            let instruction = calls(&name)?;
            let why = format!("`{script}` has Windows line ends, so its interpreter is not found");
            Some(Hit::in_file(case.dockerfile_path, instruction.first_line, script, why).confidence(0.95))
        })
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let path = case.in_repository(&hit.subject);
    let has = case.workspace.bytes(&path).is_some_and(|bytes| bytes.windows(2).any(|pair| pair == b"\r\n"));
    Prescription::none().with(
        "line-feeds",
        format!("Give `{path}` Unix line ends"),
        "a shell reads the carriage return as a part of the command",
        Applicability::Apply,
        has.then(|| Edit::LineFeeds { path: path.clone() }),
    )
}
