//! `app-directory-missing`: a step writes to a folder that is not there, or makes one that is.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "app-directory-missing",
    what: "A step writes to a folder that is not there, or makes one that is",
    why: "The folder does not exist (yet), or a newer base image already has what the step makes.",
    advice: "Make the folder first with mkdir -p, or use the path of this version of the base image.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "cannot create",
        "Directory nonexistent",
        "nonexistent directory",
        "cannot touch",
        "cannot create directory",
        "can't create",
        "failed to create symbolic link",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#6 [2/3] RUN echo x > /app/config/a.ini\n#6 0.5 /bin/sh: 1: cannot create /app/config/a.ini: Directory nonexistent\n#6 ERROR: process \"/bin/sh -c echo x > /app/config/a.ini\" did not complete successfully: exit code: 2",
            files: &[("Dockerfile", "FROM debian\nWORKDIR /app\nRUN echo x > /app/config/a.ini\n")],
            subject: "/app/config/a.ini",
            remedy: Some((
                "make-folder",
                &[(
                    "Dockerfile",
                    "FROM debian\nWORKDIR /app\nRUN mkdir -p /app/config\nRUN echo x > /app/config/a.ini\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#6 [2/3] RUN mkdir /app/logs\n#6 0.5 mkdir: cannot create directory '/app/logs': File exists\n#6 ERROR: process \"/bin/sh -c mkdir /app/logs\" did not complete successfully: exit code: 1",
            files: &[("Dockerfile", "FROM debian\nRUN mkdir /app/logs\n")],
            subject: "/app/logs",
            remedy: Some(("mkdir-parents", &[("Dockerfile", "FROM debian\nRUN mkdir -p /app/logs\n")])),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"mkdir: (?:cannot create directory|can't create directory) ['‘`]?(?P<exists>[^'’`:]+)['’`]?: File exists",
    r"(?:cannot create|can't create|cannot touch|failed to create symbolic link) (?:regular file |directory |symbolic link )?['‘`]?(?P<path>[^'’`:\s]+)['’`]?: (?:Directory nonexistent|nonexistent directory|No such file or directory|Permission denied|File exists)",
    r"(?:^|/)(?:ba)?sh: (?:line )?(?:\d+: )?(?P<path2>/[\w./-]+): No such file or directory",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let seen = SHAPES.last(case, lines)?;
    let step = case.log.failing.as_ref()?;
    let named = seen.named(&["exists", "path", "path2"]);
    // What a tool makes for itself deep inside its own work says little; what the step names is its own doing.
    if !step.command.contains(named) && !named.starts_with('/') {
        return None;
    }
    let subject = seen.named(&["exists", "path", "path2"]).to_owned();
    let why = format!("`{subject}` cannot be made or written");
    Some(Hit::at(seen.line, subject, why).confidence(0.88))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = case.failing_instruction() else { return Prescription::none() };
    let (path, dockerfile, workspace) = (case.dockerfile_path, case.dockerfile, case.workspace);
    let said = hit.line.map(|line| case.text(line).to_owned()).unwrap_or_default();
    if said.contains("File exists") && said.contains("mkdir") {
        return Prescription::none().with(
            "mkdir-parents",
            "Write `mkdir -p`",
            "with -p a folder that is there already is no fault",
            Applicability::Rehearse,
            edit::replace_in_instruction(workspace, path, dockerfile, index, "mkdir ", "mkdir -p "),
        );
    }
    let workdir = dockerfile.workdir_at(index);
    let whole = path::rooted(&workdir, &hit.subject);
    // Elsewhere, a folder that is gone means that the base image changed; an empty one would only hide that.
    let ours = whole.starts_with(&format!("{}/", workdir.trim_end_matches('/'))) && workdir != "/"
        || ["/app/", "/data/", "/srv/", "/opt/", "/home/", "/var/log/"].iter().any(|start| whole.starts_with(start));
    let Some((folder, _)) =
        whole.rsplit_once('/').filter(|_| ours && !said.contains("File exists") && !said.contains("ermission"))
    else {
        return Prescription::none();
    };
    Prescription::none().with(
        "make-folder",
        format!("Make the folder `{folder}` first"),
        "the step writes into it and nothing made it before",
        Applicability::Rehearse,
        edit::insert_before_instruction(workspace, path, dockerfile, index, &[&format!("RUN mkdir -p {folder}")]),
    )
}
