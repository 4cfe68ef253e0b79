//! `app-file-missing-in-run`: a step uses a file that is not in the image (yet).

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{copying, golang, node};
use crate::dockerfile::edit;
use crate::remedy::{Applicability, Edit, Remedy};

pub const RULE: Rule = Rule {
    id: "app-file-missing-in-run",
    what: "A build step uses a file that is not in the image",
    why: "Steps run in order: what a later COPY brings is not there yet. Or the path is wrong, or the base image keeps the \
          file elsewhere in this version.",
    advice: "Copy the file before the step that needs it, or correct the path.",
    stage: Stage::AppBuild,
    severity: Severity::High,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: &[
        "No such file or directory",
        "can't cd to",
        "cannot stat",
        "cannot access",
        "cannot open",
        "can't open",
        "can't read",
        "cannot remove",
        "not found",
        "ENOENT",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#7 [3/4] RUN sh scripts/setup.sh\n#7 0.3 sh: 0: cannot open scripts/setup.sh: No such file\n#7 ERROR: process \"/bin/sh -c sh scripts/setup.sh\" did not complete successfully: exit code: 2",
            files: &[
                ("Dockerfile", "FROM debian:bookworm\nWORKDIR /app\nRUN sh scripts/setup.sh\nCOPY . .\n"),
                ("scripts/setup.sh", "echo hello\n"),
            ],
            subject: "scripts/setup.sh",
            remedy: Some((
                "copy-first",
                &[(
                    "Dockerfile",
                    "FROM debian:bookworm\nWORKDIR /app\nCOPY scripts/setup.sh scripts/\nRUN sh scripts/setup.sh\nCOPY . .\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#10 [build 4/6] RUN go mod download\n#10 0.155 go: example.org/money@v0.0.0 (replaced by ./libs/money): reading libs/money/go.mod: open /src/libs/money/go.mod: no such file or directory\n#10 ERROR: process \"/bin/sh -c go mod download\" did not complete successfully: exit code: 1",
            files: &[
                (
                    "Dockerfile",
                    "FROM golang:1.23\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY . .\nRUN go build .\n",
                ),
                (
                    "go.mod",
                    "module example.org/a\n\nreplace (\n\texample.org/money => ./libs/money\n\texample.org/post => ./libs/post\n)\n",
                ),
                ("libs/money/go.mod", "module example.org/money\n"),
                ("libs/post/go.mod", "module example.org/post\n"),
                ("libs/post/go.sum", ""),
            ],
            subject: "/src/libs/money/go.mod",
            remedy: Some((
                "copy-modules-first",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23\nWORKDIR /src\nCOPY go.mod ./\nCOPY libs/money/go.mod libs/money/\nCOPY libs/post/go.mod libs/post/go.sum libs/post/\nRUN go mod download\nCOPY . .\nRUN go build .\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 4/5 : RUN bash /opt/scripts/setup.sh\n ---> Running in 1\nbash: /opt/scripts/setup.sh: No such file or directory\nThe command '/bin/sh -c bash /opt/scripts/setup.sh' returned a non-zero code: 127",
            subject: "/opt/scripts/setup.sh",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SHAPES: Phrases = Phrases::new(&[
    r"Could not open requirements file: .*No such file or directory: '(?P<path>[^']+)'",
    r"(?:cannot stat|cannot access|cannot open|can't open file|can't cd to|cannot remove|can't read|can't open) ['‘`]?(?P<path>[^'’`:\s]+)",
    r"(?:^|\s|/)(?:ba|da|a)?sh: (?:line )?(?:\d+: )?(?P<path>[\w./-]*/[\w./-]+|\.{0,2}/?[\w-]+\.\w+): (?:not found|No such file or directory)",
    r"(?:FileNotFoundError|IOError).*No such file or directory: '(?P<path>[^']+)'",
    r"ENOENT: no such file or directory, \w+ '(?P<path>[^']+)'",
    r"(?:^|\s)(?:stat|open) (?P<path>[\w./-]+): (?:no such file or directory|directory not found)",
]);

/// go.mod names folders of the repository that no step has copied when go reads it.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    const READS: &[&str] = &["go mod download", "go mod verify", "go build", "go install", "go test", "go vet"];
    let hit = |index: usize| {
        if !node::calls(case, index, READS) {
            return None;
        }
        let copied = node::copied(case, index);
        if copied.iter().any(|(_, path)| path == "go.work" || path == "vendor/modules.txt") {
            return None;
        }
        let tops = copied.iter().map(|(_, path)| path).filter(|path| *path == "go.mod");
        let missing =
            tops.flat_map(|top| golang::replaced(case, top)).map(|folder| format!("{folder}/go.mod")).find(|path| {
                case.context.holds(path) && copied.iter().all(|(_, held)| held != path) && !node::is_opaque(case, index)
            })?;
        let why = format!("go.mod replaces a module by `{missing}`, which is not in the image when go reads it");
        Some(case.foreseen(index, missing, why).policy(Policy::Fix))
    };
    case.runs().find_map(hit).into_iter().collect()
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // Once the program runs, a missing file is a question of its own surroundings.
    case.log.failing.as_ref()?;
    let seen = SHAPES.last(case, lines)?;
    let path = seen.named(&["path"]).trim_end_matches([',', '.']).to_owned();
    let generated = ["/proc/", "/sys/", "/dev/", "/root/.npm", "/usr/lib/", "/usr/share/man"]
        .iter()
        .any(|start| path.starts_with(start));
    if generated {
        return None;
    }
    let later = comes_later(case, case.failing_instruction(), &path).is_some();
    let policy = if later { Policy::Fix } else { Policy::Human };
    let weight = if later { Weight::Root } else { Weight::Typical };
    let why = format!("`{path}` is not in the image when {} runs", case.failing_step_named());
    Some(Hit::at(seen.line, path, why).confidence(0.8).policy(policy).weight(weight))
}

/// The file of the context that a COPY after the failing step would bring to `path`.
fn comes_later(case: &Case<'_>, index: Option<usize>, path: &str) -> Option<(usize, String)> {
    let index = index?;
    if path.starts_with('/') && !path.starts_with(&case.dockerfile.workdir_at(index)) {
        return None;
    }
    let workdir = case.dockerfile.workdir_at(index);
    let relative = path.strip_prefix(&workdir).unwrap_or(path);
    let relative = copying::plain(relative);
    let held = case.context.holds(&relative) && !relative.is_empty() && !relative.contains("..");
    let stage = case.dockerfile.stage_of(index)?;
    let stage = case.dockerfile.stages().into_iter().nth(stage)?;
    let copied = stage.instructions.clone().filter(|at| *at < index).any(|at| {
        copying::sources(case, at).iter().any(|(_, source)| case.context.matches(source).contains(&relative))
    });
    (held && !copied).then_some((index, relative))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some((index, path)) = comes_later(case, case.step(hit), &hit.subject) else { return Prescription::none() };
    if let Some(remedy) = copy_modules_first(case, index, &path) {
        return Prescription::of([remedy]);
    }
    Prescription::none().with(
        "copy-first",
        format!("Copy `{path}` before the step that uses it"),
        "the file is in the repository, and only a later step copies it",
        Applicability::Rehearse,
        copy_before(case, index, &path),
    )
}

/// `go mod download` reads the go.mod of every module that go.mod takes from the repository: they all come first.
fn copy_modules_first(case: &Case<'_>, index: usize, path: &str) -> Option<Remedy> {
    let folder = path.strip_suffix("/go.mod")?;
    let top = case
        .context
        .paths()
        .filter(|path| path.ends_with("go.mod"))
        .find_map(|path| Some(golang::replaced(case, path)).filter(|all| all.iter().any(|each| each == folder)))?;
    let modules: Vec<String> = top.into_iter().filter(|each| case.context.holds(&format!("{each}/go.mod"))).collect();
    let lines: Vec<String> = modules
        .iter()
        .map(|each| {
            let sums = Some(format!("{each}/go.sum")).filter(|sums| case.context.holds(sums));
            format!("COPY {each}/go.mod {}{each}/", sums.map(|sums| sums + " ").unwrap_or_default())
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let edit = edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &lines)?;
    Some(Remedy {
        id: "copy-modules-first".into(),
        title: format!("Copy the go.mod of {} before go reads it", modules.join(", ")),
        why: "go.mod replaces these modules by folders of the repository, and only a later step copies them".into(),
        applicability: Applicability::Rehearse,
        edits: vec![edit],
    })
}

fn copy_before(case: &Case<'_>, index: usize, path: &str) -> Option<Edit> {
    let is_file = case.workspace.contains(&case.in_repository(path));
    let destination = match path.rsplit_once('/') {
        None if is_file => "./".to_owned(),
        Some((folder, _)) if is_file => format!("{folder}/"),
        _ => format!("{path}/"),
    };
    let line = format!("COPY {path} {destination}");
    edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line])
}
