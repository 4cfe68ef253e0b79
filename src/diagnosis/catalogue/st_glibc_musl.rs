//! `st-glibc-musl`: a binary was made for another C library than the final stage has.

use crate::diagnosis::Case;
use crate::diagnosis::copying;
use crate::diagnosis::golang;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::toolchain;
use crate::dockerfile::{StageBase, edit};
use crate::remedy::{Applicability, Remedy};

pub const RULE: Rule = Rule {
    id: "st-glibc-musl",
    what: "A binary was made for another C library than the final stage has",
    why: "Debian images have glibc, Alpine has musl, scratch has none, and an older Debian has an older glibc. A binary \
          that loads the one it was linked with does not start elsewhere; the message may only say `no such file`.",
    advice: "Link statically (Go: CGO_ENABLED=0), or use the same distribution and release in both stages.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "version `GLIBC",
        "Error relocating",
        "symbol not found",
        "not found (required by",
        "ld-linux-x86-64.so.2",
        "ld-musl",
        "no such file or directory",
        "__memcpy_chk",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "exec /usr/local/bin/pulse: no such file or directory\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\nRUN go vet ./... && \\\n    go build -o /out/pulse ./cmd/pulse\n\nFROM alpine:3\nCOPY --from=build /out/pulse /usr/local/bin/pulse\nENTRYPOINT [\"/usr/local/bin/pulse\"]\n",
            )],
            subject: "/usr/local/bin/pulse",
            remedy: Some((
                "link-statically",
                &[(
                    "Dockerfile",
                    "FROM golang:1.23 AS build\nWORKDIR /src\nCOPY . .\nENV CGO_ENABLED=0\nRUN go vet ./... && \\\n    go build -o /out/pulse ./cmd/pulse\n\nFROM alpine:3\nCOPY --from=build /out/pulse /usr/local/bin/pulse\nENTRYPOINT [\"/usr/local/bin/pulse\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/usr/local/bin/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /usr/local/bin/app)\n==> Exited with status 1",
            files: &[(
                "Dockerfile",
                "FROM rust:1-bookworm AS build\nRUN cargo build --release\n\nFROM debian:bullseye-slim\nCOPY --from=build /target/release/app /usr/local/bin/app\nCMD [\"app\"]\n",
            )],
            subject: "GLIBC_2.34",
            remedy: Some((
                "same-release",
                &[(
                    "Dockerfile",
                    "FROM rust:1-bookworm AS build\nRUN cargo build --release\n\nFROM debian:bookworm-slim\nCOPY --from=build /target/release/app /usr/local/bin/app\nCMD [\"app\"]\n",
                )],
            )),
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"version `(GLIBC(?:XX)?_[\d.]+)' not found",
    r"Error relocating (\S+?):",
    r"(?:Error loading shared library )?(ld-(?:linux-x86-64|musl-x86_64)\.so\.\d): (?:cannot open|No such file)",
    r"/lib64/(ld-linux-x86-64\.so\.2): No such file",
    r#"exec (?:container process )?`?"?(/\S+?)`?"?: [Nn]o such file or directory"#,
]);

/// The glibc of each Debian release.
const RELEASES: [(&str, [u32; 2]); 4] =
    [("buster", [2, 28]), ("bullseye", [2, 31]), ("bookworm", [2, 36]), ("trixie", [2, 41])];

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    if found.wording < 4 {
        let why = format!("a binary wants `{subject}`, which the C library of its stage does not have");
        return Some(Hit::at(found.line, subject, why).confidence(0.96));
    }
    // The bare message fits a missing file and a script with Windows line ends as well: here the binary is there.
    let built = built_elsewhere(case, subject)?;
    let why =
        format!("`{subject}` was linked against the C library of `{}`, which `{}` does not have", built.0, built.1);
    Some(Hit::at(found.line, subject, why).confidence(0.93))
}

/// Packages of Go's own that use the C library where cgo is not switched off.
static USES_C: Phrases =
    Phrases::new(&[r#"^\s*(?:import\s+)?(?:\w+\s+)?"(net|net/(?:http|rpc|smtp|textproto)|os/user|C|plugin)"\s*$"#]);

/// A Go program that is linked with glibc, and started where there is none.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let instructions = case.dockerfile.instructions();
    let text = case.dockerfile.text();
    let settled =
        ["CGO_ENABLED", "-static", "netgo", "osusergo", "libc6-compat", "gcompat", "linkmode", "tinygo", "musl"];
    let command = case.command();
    let Some(started) = command.entrypoint.or(command.cmd).filter(|_| !settled.iter().any(|word| text.contains(word)))
    else {
        return vec![];
    };
    let Some(program) =
        instructions[started].words().into_iter().find(|word| !matches!(word.as_str(), "exec" | "sh" | "-c"))
    else {
        return vec![];
    };
    let name = program.rsplit('/').next().unwrap_or_default();
    let built = || {
        let (from, to) =
            built_elsewhere(case, &program).or_else(|| built_elsewhere(case, &format!("/usr/local/bin/{name}")))?;
        toolchain::name(&from).eq("golang").then_some((from, to))
    };
    // What a Makefile or a script sets is not seen.
    let hidden = case.runs().any(|index| {
        let script = node::script_of(case, index);
        node::commands(&script)
            .iter()
            .any(|each| each.starts_with("make") || each.contains(".sh") || each.contains("goreleaser"))
    });
    let builds: Vec<golang::Build> = case.runs().filter_map(|index| golang::build(case, index)).collect();
    let [build] = builds.as_slice() else { return vec![] };
    let hit = built().filter(|_| !hidden && uses_c(case, build)).map(|(from, to)| {
        let why = format!("`{program}` is linked against the C library of `{from}`, which `{to}` does not have");
        case.foreseen(started, program.clone(), why)
    });
    hit.into_iter().collect()
}

/// Whether the program that `build` makes, or what it shares with others, imports one of those packages.
fn uses_c(case: &Case<'_>, build: &golang::Build) -> bool {
    let own = copying::plain(&build.package);
    let programs = golang::programs(case);
    let of_other = |path: &str| {
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        programs.len() > 1 && programs.iter().any(|program| program == folder) && folder != own
    };
    let sources = case.context.paths().filter(|path| {
        path.ends_with(".go") && !path.ends_with("_test.go") && !path.contains("testdata/") && !path.contains("vendor/")
    });
    let texts =
        sources.filter(|path| !of_other(path)).filter_map(|path| case.workspace.text(&case.in_repository(path)));
    texts.into_iter().any(|text| text.lines().any(|line| USES_C.fits(line)))
}

/// Whether a path of the final stage was copied from a stage with glibc into one without it: both images.
fn built_elsewhere(case: &Case<'_>, path: &str) -> Option<(String, String)> {
    let stages = case.dockerfile.stages();
    let last = stages.last()?;
    let instructions = case.dockerfile.instructions();
    let copy = last.instructions.clone().find(|at| {
        let instruction = &instructions[*at];
        let goes_there = instruction.copy_paths().is_some_and(|(sources, to)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            to == path
                || sources.iter().any(|source| source.ends_with(&format!("/{name}")))
                || path.starts_with(to.as_str())
        });
        instruction.flag("from").is_some() && goes_there
    })?;
    let build = image_of(case, case.dockerfile.stage_copied_from(copy)?)?;
    let run = image_of(case, last.index).unwrap_or_else(|| "scratch".into());
    let has_glibc = |image: &str| !image.contains("alpine") && image != "scratch" && !image.contains("/static");
    (has_glibc(&build) && !has_glibc(&run)).then_some((build, run))
}

/// The image at the bottom of a stage.
fn image_of(case: &Case<'_>, mut stage: usize) -> Option<String> {
    let stages = case.dockerfile.stages();
    loop {
        match &stages.get(stage)?.base {
            StageBase::Stage(below) => stage = *below,
            StageBase::Image(image) => return Some(image.clone()),
            StageBase::Scratch => return None,
        }
    }
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let (path, workspace, dockerfile) = (case.dockerfile_path, case.workspace, case.dockerfile);
    let mut out = Vec::new();
    let go = |text: &str| {
        let commands = node::commands(text);
        commands
            .iter()
            .any(|command| ["go build", "go install", "go test", "go vet"].iter().any(|verb| command.starts_with(verb)))
    };
    let run = dockerfile
        .instructions()
        .iter()
        .enumerate()
        .position(|(at, each)| each.keyword == "RUN" && go(&node::script_of(case, at)));
    if let Some(run) = run
        && !dockerfile.text().contains("CGO_ENABLED")
        && let Some(edit) = edit::insert_before_instruction(workspace, path, dockerfile, run, &["ENV CGO_ENABLED=0"])
    {
        out.push(Remedy {
            id: "link-statically".into(),
            title: "Build without cgo, so that the binary needs no C library".into(),
            why: "a static binary starts in any image".into(),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    if let Some(needs) = hit.subject.strip_prefix("GLIBC_")
        && let Some(last) = dockerfile.stages().last()
        && let StageBase::Image(image) = &last.base
        && let Some((old, _)) = RELEASES.iter().find(|(release, _)| image.contains(release))
        && let Some((new, _)) = RELEASES.iter().find(|(_, glibc)| toolchain::numbers(needs)[..] <= glibc[..])
        && let Some(edit) = edit::set_image(workspace, path, dockerfile, last.index, &image.replace(old, new))
    {
        out.push(Remedy {
            id: "same-release".into(),
            title: format!("Run on Debian {new}"),
            why: format!("its C library is new enough for `{}`", hit.subject),
            applicability: Applicability::Rehearse,
            edits: vec![edit],
        });
    }
    Prescription::of(out)
}
