//! `st-exec-format`: the program is for another processor, or a script without a first line.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::start::script;
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
    remedies,
    examples: &[Example {
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
    }],
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
    let why = format!("`{subject}` cannot be run on this processor, or has no first line that names its shell");
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

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
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
