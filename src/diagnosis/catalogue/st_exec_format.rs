//! `st-exec-format`: the program is for another processor, or a script without a first line.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::script;
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "st-exec-format",
    what: "The program is for another processor, or a script without a first line",
    why: "The image or a binary in it was made for ARM while the platform runs amd64, or a script is started \
          directly and does not begin with `#!`.",
    advice: "Build for linux/amd64 (drop `--platform` and GOARCH), or begin the script with `#!/bin/sh`.",
    stage: Stage::Startup,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["exec format error", "cannot execute binary file", "Exec format error"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "exec /app/start.sh: exec format error\n==> Exited with status 1",
            subject: "/app/start.sh",
            files: &[
                ("Dockerfile", "FROM debian\nWORKDIR /app\nCOPY start.sh .\nCMD [\"/app/start.sh\"]\n"),
                ("start.sh", "exec ./app\n"),
            ],
            executable: &["start.sh"],
            remedy: Some(("name-shell", &[("start.sh", "#!/bin/sh\nexec ./app\n")])),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "exec /usr/local/bin/tide: exec format error\n==> Exited with status 255",
            subject: "/usr/local/bin/tide",
            files: &[(
                "Dockerfile",
                "FROM golang:1.23 AS build\nRUN CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -o /tide\nFROM debian\nCOPY --from=build /tide /usr/local/bin/tide\nCMD [\"tide\"]\n",
            )],
            remedy: Some((
                "this-processor",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23 AS build\nRUN CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -o /tide\nFROM debian\nCOPY --from=build /tide /usr/local/bin/tide\nCMD [\"tide\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"exec (\S+?): exec format error",
    r#"exec: \\?"([^"\\]+)\\?": .*exec format error"#,
    r"(\S+): cannot execute binary file",
    r"(exec format error)",
    r"(Exec format error)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = match foreign(case) {
        Some((_, from, _)) => format!("`{subject}` was made for another processor: the Dockerfile says `{from}`"),
        None => format!("`{subject}` cannot be run on this processor, or has no first line that names its shell"),
    };
    let hit = Hit::at(found.line, subject, why);
    // During a build it is the image itself that is for another processor.
    let base = case.failing_instruction().and_then(|index| {
        let stage = case.dockerfile.stage_of(index)?;
        case.dockerfile.stages().get(stage).map(|stage| stage.image.clone())
    });
    Some(match base {
        Some(image) => {
            let why = format!("`{image}` is made for another processor than the platform has");
            Hit::at(found.line, image, why).policy(Policy::Human)
        }
        None => hit,
    })
}

/// How a Dockerfile asks for another processor, and the same for this one. Whole words, most telling first.
const PROCESSORS: &[(&str, &str)] = &[
    ("GOARCH=arm64", "GOARCH=amd64"),
    ("GOARCH=arm", "GOARCH=amd64"),
    ("GOARCH=386", "GOARCH=amd64"),
    ("TARGETARCH=arm64", "TARGETARCH=amd64"),
    ("--platform=linux/arm64/v8", "--platform=linux/amd64"),
    ("--platform=linux/arm64", "--platform=linux/amd64"),
    ("--platform=linux/arm/v7", "--platform=linux/amd64"),
    ("--platform=arm64", "--platform=linux/amd64"),
];

/// The instruction that asks for another processor, what it says, and what it should.
fn foreign(case: &Case<'_>) -> Option<(usize, &'static str, &'static str)> {
    let lines = case.workspace.lines(case.dockerfile_path);
    case.dockerfile.instructions().iter().enumerate().find_map(|(index, instruction)| {
        let text = lines.get(instruction.first_line - 1..instruction.last_line)?.join(" ");
        let says = |word: &str| text.split([' ', '\t', '"', '\'', ';']).any(|each| each == word);
        PROCESSORS.iter().find(|(from, _)| says(from)).map(|(from, to)| (index, *from, *to))
    })
}

/// A program for another processor, in a Dockerfile that names this one nowhere.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let text = case.dockerfile.text();
    let several = ["amd64", "x86_64", "x86-64", "TARGETARCH", "TARGETPLATFORM"].iter().any(|name| text.contains(name));
    let found = foreign(case).filter(|(index, from, _)| {
        // As an argument of the build it may be overridden.
        !several && case.dockerfile.instructions()[*index].keyword != "ARG" && !from.starts_with("TARGETARCH")
    });
    let hit = found.map(|(index, from, _)| {
        let why = format!("`{from}` makes it for another processor than the platform has");
        case.foreseen(index, from, why)
    });
    hit.into_iter().collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    if let Some((index, from, to)) = foreign(case) {
        return Prescription::none().with(
            "this-processor",
            format!("Build for amd64: `{to}` instead of `{from}`"),
            "that is the processor the platform has",
            Applicability::Rehearse,
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, from, to),
        );
    }
    let Some(script) = script::find(case, &hit.subject).or_else(|| script::started(case)) else {
        return Prescription::none();
    };
    let text = case.workspace.text(&script.path).unwrap_or_default();
    if text.starts_with("#!") || text.is_empty() {
        return Prescription::none();
    }
    let edit = Edit::insert_before(case.workspace, &script.path, 1, &["#!/bin/sh"]);
    Prescription::of(edit.map(|edit| Remedy {
        id: "name-shell".into(),
        title: format!("Begin `{}` with `#!/bin/sh`", script.path),
        why: "the kernel needs that line to know who runs the script".into(),
        applicability: Applicability::Apply,
        edits: vec![edit],
    }))
}
