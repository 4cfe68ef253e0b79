//! `df-build-arg-empty`: a build argument has no default and was not given.

use regex::Regex;

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

pub const RULE: Rule = Rule {
    id: "df-build-arg-empty",
    what: "A build argument has no default and no value",
    why: "Render hands its environment variables to the build as arguments. An ARG without default that is not among them is \
          empty, and so is every address, version or image name made of it.",
    advice: "Define a variable of that name on the service, or write a default behind ARG.",
    stage: Stage::DockerfileParse,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &[
        "should not be blank",
        "parameter null or not set",
        "parameter not set",
        "build argument not specified",
        "build argument",
        "build-arg",
        "needs to be set and non-empty",
        "missing argument: --version",
        "curl: no URL specified",
        "wget: missing URL",
        "invalid user ID",
        "mkdir: missing operand",
        "cp: missing destination file operand",
        "/releases/download//",
        "not in gzip format",
        "repository '' does not exist",
        "stat /bin/sh: no such file or directory",
        "404",
        "Usage: ",
        "usage: ",
        "operand",
        "requires an argument",
        "invalid reference format",
    ],
    before: &["df-from-malformed"],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "Dockerfile:2\n--------------------\n   2 | >>> FROM $BASE\n--------------------\nERROR: failed to solve: base name ($BASE) should not be blank",
            files: &[
                ("Dockerfile", "ARG BASE\nFROM $BASE\n"),
                ("README.md", "docker build --build-arg BASE=python:3.12 .\n"),
            ],
            subject: "BASE",
            remedy: Some(("default-from-project", &[("Dockerfile", "ARG BASE=python:3.12\nFROM $BASE\n")])),
            ..Example::BLANK
        },
        Example {
            log: "Dockerfile:2\n--------------------\n   2 | >>> FROM ruby:$RUBY_VERSION-slim\n--------------------\nERROR: failed to solve: failed to parse stage name \"ruby:-slim\": invalid reference format",
            files: &[
                ("Dockerfile", "ARG RUBY_VERSION\nFROM ruby:$RUBY_VERSION-slim\n"),
                (".ruby-version", "ruby-3.1.2\n"),
            ],
            subject: "RUBY_VERSION",
            remedy: Some((
                "default-from-project",
                &[("Dockerfile", "ARG RUBY_VERSION=3.1.2\nFROM ruby:$RUBY_VERSION-slim\n")],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#7 [3/4] RUN useradd --system $OWNER\n#7 0.194 Usage: useradd [options] LOGIN\n#7 ERROR: process \"/bin/sh -c useradd --system $OWNER\" did not complete successfully: exit code: 2\nDockerfile:3\n--------------------\n   3 | >>> RUN useradd --system $OWNER",
            files: &[(
                "Dockerfile",
                "ARG OWNER=ferry\nFROM debian:bookworm-slim\nRUN useradd --system $OWNER\nUSER $OWNER\n",
            )],
            subject: "OWNER",
            remedy: Some((
                "ask-in-stage",
                &[(
                    "Dockerfile",
                    "ARG OWNER=ferry\nFROM debian:bookworm-slim\nARG OWNER\nRUN useradd --system $OWNER\nUSER $OWNER\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#5 [2/3] RUN curl -fL https://example.com/app-$VERSION.tar.gz | tar xz\n#5 0.8 curl: (22) The requested URL returned error: 404\n#5 0.8 gzip: stdin: not in gzip format\n#5 ERROR: process \"/bin/sh -c curl -fL https://example.com/app-$VERSION.tar.gz | tar xz\" did not complete successfully: exit code: 2",
            files: &[(
                "Dockerfile",
                "FROM debian\nARG VERSION\nRUN curl -fL https://example.com/app-$VERSION.tar.gz | tar xz\n",
            )],
            subject: "VERSION",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static NAMED: Phrases = Phrases::new(&[
    r"base name \(\$\{?(?P<name>\w+)[^)]*\) should not be blank",
    r"(?P<name>[A-Za-z_]\w*): (?:parameter (?:null or )?not set|(?:[A-Za-z_]\w* )?build[ -]arg(?:ument)? )",
    r"(?P<name>[A-Z][A-Z0-9_]{2,}) (?:build argument|needs to be set and non-empty)",
]);
static CONSEQUENCE: Phrases = Phrases::new(&[
    r"missing argument: --version|curl: no URL specified|wget: missing URL|(?:user|group)add: invalid (?:user|group) ID|mkdir: missing operand|cp: missing destination file operand|/releases/download//|not in gzip format|repository '' does not exist|stat /bin/sh: no such file or directory|\b404\b",
]);

/// What tools print when the word that they are about is missing.
static USAGE: Phrases = Phrases::new(&[
    r"missing argument: --version|curl: no URL specified|wget: missing URL|(?:user|group)add: invalid (?:user|group) ID|mkdir: missing operand|cp: missing destination file operand|/releases/download//|not in gzip format|repository '' does not exist|stat /bin/sh: no such file or directory|\b404\b|^(?:Usage|usage): |missing (?:file )?operand|requires an argument|No such file or directory|not found",
]);

/// Arguments that instruction `index` uses, that are given a value before the first FROM, and that its stage does not ask for.
fn out_of_scope(case: &Case<'_>, index: usize) -> Vec<String> {
    let instructions = case.dockerfile.instructions();
    let Some(from) = instructions[..=index].iter().rposition(|each| each.keyword == "FROM") else { return vec![] };
    let within = case.dockerfile.variables_at(index, &Default::default());
    let args = &instructions[index].args;
    let used = |name: &String| args.contains(&format!("${{{name}}}")) || holds_name(args, name);
    // A step that sets the variable itself does not miss it.
    let sets = |name: &String| args.contains(&format!("{name}="));
    let global =
        instructions[..from].iter().take_while(|each| each.keyword != "FROM").filter(|each| each.keyword == "ARG");
    let valued =
        global.flat_map(|each| each.pairs()).filter(|(_, value)| value.as_ref().is_some_and(|value| !value.is_empty()));
    valued.map(|(name, _)| name).filter(|name| used(name) && !sets(name) && !within.contains_key(name)).collect()
}

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    if let Some(seen) = REFERENCE.last(case, lines)
        && let Some(name) = argument_in_from(case, seen.named(&["image"]))
    {
        let policy = if value_in_project(case, &name).is_some() { Policy::Fix } else { Policy::Human };
        return Some(at(case, seen.line, &name, 0.97).policy(policy));
    }
    if let Some(seen) = NAMED.last(case, lines) {
        let name = seen.named(&["name"]);
        return Some(at(case, seen.line, name, 0.96));
    }
    let index = case.failing_instruction()?;
    if let Some(seen) = USAGE.last(case, lines)
        && let Some(name) = out_of_scope(case, index).into_iter().next()
    {
        let why =
            format!("the argument `{name}` stands before FROM: without an ARG of its own the stage does not see it");
        return Some(Hit { why, ..at(case, seen.line, &name, 0.96).policy(Policy::Fix) });
    }
    let seen = CONSEQUENCE.last(case, lines)?;
    let name = empty_arguments(case, index).into_iter().next()?;
    Some(at(case, seen.line, &name, 0.9))
}

fn at(case: &Case<'_>, line: usize, name: &str, confidence: f32) -> Hit {
    let hit = Hit::at(line, name, format!("the build argument `{name}` is empty")).confidence(confidence);
    match argument(case, name) {
        Some(index) => hit.place(case.dockerfile_path, case.dockerfile.instructions()[index].first_line),
        None => hit,
    }
}

/// Arguments without default that instruction `index`, or the `FROM` of its stage, uses and nothing sets.
fn empty_arguments(case: &Case<'_>, index: usize) -> Vec<String> {
    let instructions = case.dockerfile.instructions();
    let from = instructions[..=index].iter().rposition(|each| each.keyword == "FROM");
    let env = case.dockerfile.env_at(index);
    let used = |name: &str, at: usize| {
        let args = &instructions[at].args;
        args.contains(&format!("${{{name}}}")) || args.contains(&format!("${{{name}:?")) || holds_name(args, name)
    };
    without_default(case)
        .into_iter()
        .filter(|name| env.get(name).is_none_or(|value| value.is_empty() || value.contains(name.as_str())))
        .filter(|name| used(name, index) || from.is_some_and(|from| used(name, from)))
        .collect()
}

fn holds_name(args: &str, name: &str) -> bool {
    let wanted = format!("${name}");
    args.match_indices(&wanted).any(|(at, _)| {
        args[at + wanted.len()..].chars().next().is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
    })
}

/// Names of ARGs that have no default anywhere and that Docker does not set itself.
fn without_default(case: &Case<'_>) -> Vec<String> {
    const GIVEN: &[&str] =
        &["TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH"];
    let mut out: Vec<String> = Vec::new();
    let mut defaulted: Vec<String> = Vec::new();
    for instruction in case.dockerfile.instructions().iter().filter(|each| each.keyword == "ARG") {
        for (name, value) in instruction.pairs() {
            match value {
                Some(value) if !value.is_empty() => defaulted.push(name),
                _ => out.push(name),
            }
        }
    }
    let on_service = |name: &String| case.facts.env_names.as_ref().is_some_and(|names| names.contains(name));
    out.retain(|name| {
        !defaulted.contains(name)
            && !GIVEN.contains(&name.as_str())
            && !name.to_lowercase().ends_with("_proxy")
            && !on_service(name)
    });
    out
}

fn argument(case: &Case<'_>, name: &str) -> Option<usize> {
    case.dockerfile.instructions().iter().position(|each| {
        each.keyword == "ARG"
            && each.pairs().iter().any(|(known, value)| known == name && value.as_ref().is_none_or(String::is_empty))
    })
}

/// Steps that fail for certain when the only word they are about is empty.
fn needs_its_word(case: &Case<'_>, index: usize, name: &str) -> bool {
    let script = node::script_of(case, index);
    let is_name = |word: &str| {
        let bare = word.trim_matches(['"', '\'']);
        bare == format!("${name}") || bare == format!("${{{name}}}")
    };
    node::commands(&script).iter().any(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let named = words.iter().any(|word| is_name(word));
        let verb = words.first().copied().unwrap_or_default();
        let pins = matches!(verb, "pip" | "pip3")
            && words
                .iter()
                .any(|word| word.ends_with(&format!("==${name}")) || word.ends_with(&format!("==${{{name}}}")));
        let accounts = matches!(verb, "useradd" | "groupadd" | "adduser" | "addgroup");
        let only = words[1.min(words.len())..].iter().filter(|word| !word.starts_with('-')).count() == 1;
        named && (accounts || verb == "mkdir" && only) && !script.contains("||") || pins
    })
}

/// Arguments whose value no stage asks for, in steps that cannot do without.
fn unasked(case: &Case<'_>) -> Vec<Hit> {
    let globals = case.dockerfile.instructions().iter().take_while(|each| each.keyword != "FROM");
    if globals.filter(|each| each.keyword == "ARG").count() == 0 {
        return vec![];
    }
    let found = case.runs().find_map(|index| {
        let script = node::script_of(case, index);
        if !["user", "group", "mkdir", "pip"].iter().any(|verb| script.contains(verb)) {
            return None;
        }
        let name = out_of_scope(case, index).into_iter().find(|name| needs_its_word(case, index, name))?;
        Some((index, name))
    });
    let hit = found.map(|(index, name)| {
        let why =
            format!("the argument `{name}` stands before FROM: without an ARG of its own the stage does not see it");
        case.foreseen(index, name, why).policy(Policy::Fix)
    });
    hit.into_iter().collect()
}

/// Arguments that are out of scope, and base images named by an empty one; these only where the service's variables are known.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    if case.facts.env_names.is_none() {
        return unasked(case);
    }
    let empty = without_default(case);
    let instructions = case.dockerfile.instructions().iter().enumerate();
    let froms = instructions.filter(|(_, each)| each.keyword == "FROM");
    froms
        .filter_map(|(_, from)| {
            let image = from.words().into_iter().next()?;
            let name = empty.iter().find(|name| image == format!("${name}") || image == format!("${{{name}}}"))?;
            let why = format!("the build argument `{name}` is empty, and the base image is named by it");
            Some(Hit::in_file(case.dockerfile_path, from.first_line, name, why).confidence(0.95))
        })
        .chain(unasked(case))
        .collect()
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let name = hit.subject.as_str();
    if let Some(index) = case.step(hit)
        && out_of_scope(case, index).iter().any(|each| each == name)
        && let Some(from) = case.dockerfile.instructions()[..index].iter().rposition(|each| each.keyword == "FROM")
    {
        let line = format!("ARG {name}");
        return Prescription::none().with(
            "ask-in-stage",
            format!("Ask for `{name}` in the stage that uses it"),
            "an ARG before FROM has its value only there; an ARG of the same name below FROM brings it into the stage",
            Applicability::Rehearse,
            edit::insert_after_instruction(case.workspace, case.dockerfile_path, case.dockerfile, from, &[&line]),
        );
    }
    let (Some(index), Some(value)) = (argument(case, name), value_in_project(case, name)) else {
        return Prescription::none();
    };
    Prescription::none().with(
        "default-from-project",
        format!("Give `{name}` the default `{value}`"),
        "it is the only value that the project itself builds with",
        Applicability::Rehearse,
        edit::replace_in_instruction(
            case.workspace,
            case.dockerfile_path,
            case.dockerfile,
            index,
            &format!("ARG {name}"),
            &format!("ARG {name}={value}"),
        ),
    )
}

static REFERENCE: Phrases =
    Phrases::new(&[r#"failed to parse stage name "(?P<image>[^"]*)": invalid reference format"#]);

/// The argument without value that leaves a hole in `image`, as a FROM has it.
fn argument_in_from(case: &Case<'_>, image: &str) -> Option<String> {
    let empty = without_default(case);
    let froms = case.dockerfile.instructions().iter().filter(|each| each.keyword == "FROM");
    froms.filter_map(|from| from.words().into_iter().next()).find_map(|written| {
        let of = |name: &String| {
            let without = written.replace(&format!("${{{name}}}"), "").replace(&format!("${name}"), "");
            without != written && without == image
        };
        empty.iter().find(|name| of(name)).cloned()
    })
}

/// Where a project says which version of a language it wants: argument, files, what stands before the number.
const VERSION_FILES: &[(&str, &[&str], &str)] = &[
    ("RUBY_VERSION", &[".ruby-version"], "ruby-"),
    ("PYTHON_VERSION", &[".python-version"], ""),
    ("NODE_VERSION", &[".nvmrc", ".node-version"], "v"),
    ("GO_VERSION", &[".go-version"], "go"),
    ("GOLANG_VERSION", &[".go-version"], "go"),
];

fn version_in_project(case: &Case<'_>, name: &str) -> Option<String> {
    let (_, files, before) = VERSION_FILES.iter().find(|(argument, ..)| *argument == name)?;
    let read = |path: &&str| case.workspace.text(&case.in_repository(path)).map(|text| text.trim().to_owned());
    let text = files.iter().find_map(read)?;
    let version = text.strip_prefix(before).unwrap_or(&text);
    let plain = version.starts_with(|each: char| each.is_ascii_digit());
    (plain && version.chars().all(|each| each.is_ascii_digit() || each == '.')).then(|| version.to_owned())
}

/// The one value that the repository's own build commands and compose files give `name`.
fn value_in_project(case: &Case<'_>, name: &str) -> Option<String> {
    if let Some(version) = version_in_project(case, name) {
        return Some(version);
    }
    let command = Regex::new(&format!(r#"--build-arg[ =]["']?{name}=["']?([\w.:/@+-]+)"#)).ok()?;
    let compose = Regex::new(&format!(r#"(?m)^\s+(?:- )?["']?{name}(?::\s+|=)["']?([\w.:/@+-]+)["']?\s*$"#)).ok()?;
    let mut found: Vec<String> = Vec::new();
    for path in case.workspace.paths() {
        let file = path.rsplit('/').next().unwrap_or(path);
        let is_compose = file.contains("compose") && (file.ends_with(".yml") || file.ends_with(".yaml"));
        let is_script =
            matches!(file, "Makefile" | "README.md" | "justfile") || file.ends_with(".sh") || file.ends_with(".yml");
        let Some(text) = case.workspace.text(path).filter(|text| text.len() < 200_000) else { continue };
        let pattern = if is_compose { &compose } else { &command };
        if is_compose || is_script {
            found.extend(pattern.captures_iter(text).map(|value| value[1].to_owned()));
        }
    }
    found.sort();
    found.dedup();
    found.pop().filter(|_| found.is_empty())
}
