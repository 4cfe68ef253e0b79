//! `py-externally-managed`: the distribution's own Python refuses packages from pip (PEP 668).

use crate::diagnosis::Case;
use crate::diagnosis::native::{Family, family, install_before, separate_final_stage};
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "py-externally-managed",
    what: "The system's Python does not let pip install packages",
    why: "Debian 12, Ubuntu 23.04, Alpine 3.19 and later mark their Python as managed by the system (PEP 668): pip refuses to write \
          into it, so that it cannot break programs of the system.",
    advice: "Install into a virtual environment that comes first on PATH, or base the image on an official Python image.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &["externally-managed-environment", "environment is externally managed", " is externally managed"],
    detect,
    foresee: |_| vec![],
    remedies,
    examples: &[Example {
        log: "#7 [4/4] RUN pip3 install -r requirements.txt\n#7 0.6 error: externally-managed-environment\n#7 0.6 \n#7 0.6 × This environment is externally managed\n#7 0.6 ╰─> To install Python packages system-wide, try apt install\n#7 0.6     python3-xyz, where xyz is the package you are trying to\n#7 0.6     install.\n#7 ERROR: process \"/bin/sh -c pip3 install -r requirements.txt\" did not complete successfully: exit code: 1",
        files: &[(
            "Dockerfile",
            "FROM debian:bookworm\nRUN apt-get update && apt-get install -y python3 python3-pip\nCOPY requirements.txt .\nRUN pip3 install -r requirements.txt\nCMD [\"python3\", \"app.py\"]\n",
        )],
        subject: "pip3 install -r requirements.txt",
        remedy: Some((
            "use-venv",
            &[(
                "Dockerfile",
                "FROM debian:bookworm\nRUN apt-get update && apt-get install -y python3 python3-pip python3-venv\nCOPY requirements.txt .\nRUN python3 -m venv /opt/venv\nENV PATH=\"/opt/venv/bin:$PATH\"\nRUN pip3 install -r requirements.txt\nCMD [\"python3\", \"app.py\"]\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let line = lines
        .iter()
        .copied()
        .find(|at| case.text(*at).contains("externally-managed-environment"))
        .or(lines.first().copied())?;
    let command =
        case.log.failing.as_ref().map(|step| step.command.trim_start_matches("RUN ").to_owned()).unwrap_or_default();
    let why = "the image's Python belongs to the system, and pip does not install into it".to_owned();
    Some(Hit::at(line, command, why).confidence(0.98))
}

fn remedies(case: &Case<'_>, _: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let mut out = Vec::new();
    let args = &dockerfile.instructions()[index].args;
    let plain = !args.contains("--user") && !args.contains("apt-get install") && !args.contains("apk add");
    let lines = ["RUN python3 -m venv /opt/venv", "ENV PATH=\"/opt/venv/bin:$PATH\""];
    let venv = edit::insert_before_instruction(workspace, path, dockerfile, index, &lines);
    if let Some(venv) = venv.filter(|_| plain && separate_final_stage(case, index).is_none()) {
        let mut edits = vec![venv];
        if family(case, index) != Some(Family::Alpine) {
            edits.splice(0..0, install_before(case, index, Family::Debian, &["python3-venv"]));
        }
        out.push(Remedy {
            id: "use-venv".into(),
            title: "Install into a virtual environment".into(),
            why: "pip may write there, and it comes first on PATH, so that every later command uses it".into(),
            applicability: Applicability::Rehearse,
            edits,
        });
    }
    let allow =
        edit::insert_before_instruction(workspace, path, dockerfile, index, &["ENV PIP_BREAK_SYSTEM_PACKAGES=1"]);
    out.extend(allow.map(|edit| Remedy {
        id: "allow-system-packages".into(),
        title: "Let pip install beside the system's packages".into(),
        why: "nothing but this service lives in the image".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    }));
    Prescription::of(out)
}
