//! `ctx-stage-artifact-missing`: COPY --from expects something that the other stage did not make.

use crate::diagnosis::Case;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{copying, node};
use crate::dockerfile::edit;
use crate::manifest::package_json::Section;
use crate::remedy::Applicability;
use crate::workspace::path;

pub const RULE: Rule = Rule {
    id: "ctx-stage-artifact-missing",
    what: "COPY --from expects something that the other stage did not make",
    why: "The build stage wrote its result elsewhere: dist or build or out, another binary name, no standalone output.",
    advice: "Copy the folder or file that the build tool really writes.",
    stage: Stage::ContextCopy,
    severity: Severity::Critical,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "failed to calculate checksum of ref",
        "failed to compute cache key",
        "not found: not found",
        "COPY failed",
        "failed to walk",
    ],
    detect,
    foresee,
    remedies,
    examples: &[
        Example {
            log: "#12 [stage-1 2/2] COPY --from=build /src/target/app.jar /app.jar\n#12 ERROR: failed to calculate checksum of ref 0a::1b: failed to walk /var/lib/docker/tmp/buildkit-mount614140209/src/target: lstat /var/lib/docker/tmp/buildkit-mount614140209/src/target: no such file or directory\nDockerfile:5\n--------------------\n   5 | >>> COPY --from=build /src/target/app.jar /app.jar\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a::1b: failed to walk /var/lib/docker/tmp/buildkit-mount614140209/src/target: lstat /var/lib/docker/tmp/buildkit-mount614140209/src/target: no such file or directory",
            files: &[(
                "Dockerfile",
                "FROM eclipse-temurin:17 AS build\nWORKDIR /src\nRUN jar --create --file app.jar -C classes .\nFROM eclipse-temurin:17-jre\nCOPY --from=build /src/target/app.jar /app.jar\n",
            )],
            subject: "/src/target",
            remedy: Some((
                "copy-made",
                &[(
                    "Dockerfile",
                    "FROM eclipse-temurin:17 AS build\nWORKDIR /src\nRUN jar --create --file app.jar -C classes .\nFROM eclipse-temurin:17-jre\nCOPY --from=build /src/app.jar /app.jar\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#12 [stage-1 2/2] COPY --from=build /app/build /usr/share/nginx/html\n#12 ERROR: failed to calculate checksum of ref 0a::1b: \"/app/build\": not found\nDockerfile:6\n--------------------\n   6 | >>> COPY --from=build /app/build /usr/share/nginx/html\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a::1b: \"/app/build\": not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm run build\nFROM nginx\nCOPY --from=build /app/build /usr/share/nginx/html\n",
                ),
                ("package.json", "{\"scripts\":{\"build\":\"vite build\"},\"devDependencies\":{\"vite\":\"5\"}}"),
            ],
            subject: "/app/build",
            remedy: Some((
                "copy-output",
                &[(
                    "Dockerfile",
                    "FROM node:20 AS build\nWORKDIR /app\nCOPY . .\nRUN npm run build\nFROM nginx\nCOPY --from=build /app/dist /usr/share/nginx/html\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#9 [stage-1 2/2] COPY --from=site /site/build /usr/share/nginx/html\n#9 ERROR: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/site/build\": not found\n------\n > [stage-1 2/2] COPY --from=site /site/build /usr/share/nginx/html:\n------\nDockerfile:7\n--------------------\n   7 | >>> COPY --from=site /site/build /usr/share/nginx/html\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b2c::3d4e5f: \"/site/build\": not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM node:20 AS site\nWORKDIR /site\nCOPY . .\nRUN npm run build\n\nFROM nginx:1\nCOPY --from=site /site/build /usr/share/nginx/html\n",
                ),
                ("package.json", "{\"scripts\": {\"build\": \"node build.mjs\"}}\n"),
                ("build.mjs", "mkdirSync(\"public/posts\", { recursive: true });\n"),
            ],
            subject: "/site/build",
            remedy: Some((
                "copy-output",
                &[(
                    "Dockerfile",
                    "FROM node:20 AS site\nWORKDIR /site\nCOPY . .\nRUN npm run build\n\nFROM nginx:1\nCOPY --from=site /site/public /usr/share/nginx/html\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#16 [stage-1 3/3] COPY --from=build /build/target/release/palette /usr/local/bin/\n#16 ERROR: failed to calculate checksum of ref 0a::1b: \"/build/target/release/palette\": not found\nDockerfile:5\n--------------------\n   5 | >>> COPY --from=build /build/target/release/palette /usr/local/bin/\n--------------------\nERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a::1b: \"/build/target/release/palette\": not found",
            files: &[
                (
                    "Dockerfile",
                    "FROM rust:1 AS build\nWORKDIR /build\nRUN cargo build --release\nFROM debian\nCOPY --from=build /build/target/release/palette /usr/local/bin/\nCMD [\"palette\"]\n",
                ),
                ("Cargo.toml", "[package]\nname = \"palette-web\"\n"),
                ("src/main.rs", ""),
            ],
            subject: "/build/target/release/palette",
            remedy: Some((
                "copy-output",
                &[(
                    "Dockerfile",
                    "FROM rust:1 AS build\nWORKDIR /build\nRUN cargo build --release\nFROM debian\nCOPY --from=build /build/target/release/palette-web /usr/local/bin/palette\nCMD [\"palette\"]\n",
                )],
            )),
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let missing = copying::missing(case, lines)?;
    if !missing.from_stage {
        return None;
    }
    let index = missing.instruction;
    let instructions = case.dockerfile.instructions();
    let path = format!("/{}", missing.path);
    let hit = Hit::at(missing.at, &path, format!("the other stage has no `{path}`")).confidence(0.97);
    Some(match index {
        Some(index) => hit.place(case.dockerfile_path, instructions[index].first_line),
        None => hit,
    })
}

/// What COPY --from expects although the tool that the other stage runs is known to write elsewhere.
fn foresee(case: &Case<'_>) -> Vec<Hit> {
    let instructions = case.dockerfile.instructions();
    let mut out = Vec::new();
    for (index, instruction) in instructions.iter().enumerate().filter(|(_, each)| each.keyword == "COPY") {
        let Some((sources, _)) = instruction.flag("from").and_then(|_| instruction.copy_paths()) else { continue };
        for written in sources {
            if let Some(made) = made_elsewhere(case, index, &written) {
                let path = format!("/{}", copying::plain(&written));
                let why = format!("the other stage makes no `{path}`; it writes `{made}`");
                out.push(case.foreseen(index, path, why));
            }
        }
    }
    out
}

/// What the stage behind instruction `index` makes instead of `written`, beyond doubt.
fn made_elsewhere(case: &Case<'_>, index: usize, written: &str) -> Option<String> {
    let instructions = case.dockerfile.instructions();
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_copied_from(index)?)?;
    let last = stage.instructions.end.checked_sub(1).filter(|last| stage.instructions.contains(last))?;
    let (name, workdir) = (written.trim_end_matches('/').rsplit('/').next()?, case.dockerfile.workdir_at(last));
    let steps: Vec<usize> = node::history(case, last).into_iter().chain([last]).collect();
    let scripts: Vec<String> =
        steps.iter().filter(|at| instructions[**at].keyword == "RUN").map(|at| node::script_of(case, *at)).collect();
    let brought = steps.iter().any(|at| {
        let each = &instructions[*at];
        each.flag("from").is_some() && each.copy_paths().is_some_and(|(_, to)| to.contains(name) || to == "/")
    });
    let moves = scripts.iter().flat_map(|script| node::commands(script)).any(|command| {
        let verb = command.split_whitespace().next().unwrap_or_default();
        let touches = command.contains(name) || command.contains("target/") || command.contains('*');
        matches!(verb, "mv" | "cp" | "ln" | "mkdir" | "install") && touches
            || matches!(verb, "tar" | "unzip" | "make" | "cd")
            || command.contains(".sh")
    });
    let held = copying::origins_in(case, &steps, written).iter().any(|origin| case.context.holds(origin));
    let wild = written.contains(['*', '$', '?']) || !written.starts_with('/');
    if brought || moves || held || wild {
        return None;
    }
    let runs = |words: &[&str]| scripts.iter().any(|script| words.iter().any(|word| script.contains(word)));
    if let Some((_, profile)) = copying::plain(written).rsplit_once('/').filter(|(_, profile)| *profile == name) {
        let folder = written.trim_end_matches('/').strip_suffix(&format!("/{profile}"))?;
        if folder == format!("{}/target/release", workdir.trim_end_matches('/')) && runs(&["cargo build"]) {
            let all: Vec<String> = cargo_programs(case);
            let plain = !runs(&["--target ", "--target=", "CARGO_TARGET_DIR", "--target-dir", "--profile"])
                && !name.contains('.');
            return all
                .first()
                .filter(|_| plain && !all.iter().any(|each| each == name))
                .map(|made| format!("{folder}/{made}"));
        }
        if OUTPUTS.contains(&name) && folder == workdir.trim_end_matches('/') {
            return built_folder(case, &scripts).filter(|made| made != name).map(|made| format!("{folder}/{made}"));
        }
    }
    let compiled = made_in_stage(case, index, written)?;
    let same_name = compiled.rsplit('/').next() == Some(name);
    // A folder above one that is there is there.
    let wanted = copying::plain(written);
    let folders = steps.iter().map(|at| case.dockerfile.workdir_at(*at)).chain([workdir, compiled.clone()]);
    let is_above =
        folders.into_iter().any(|folder| format!("{}/", copying::plain(&folder)).starts_with(&format!("{wanted}/")));
    (same_name && !is_above && !runs(&["go install"])).then_some(compiled)
}

fn cargo_programs(case: &Case<'_>) -> Vec<String> {
    let manifests = case.workspace.paths().filter(|path| path.ends_with("Cargo.toml"));
    manifests.flat_map(|path| binaries_of(case, path)).collect()
}

/// The folder that the build script of package.json writes, where the tool it calls leaves no choice.
fn built_folder(case: &Case<'_>, scripts: &[String]) -> Option<String> {
    let package = node::package(case, None)?;
    let build = package.script("build")?;
    let called = scripts.iter().flat_map(|script| node::commands(script)).filter(|command| {
        let words: Vec<&str> = command.split_whitespace().filter(|word| !word.starts_with('-')).collect();
        matches!(words.as_slice(), ["npm" | "yarn" | "pnpm", "run", "build"] | ["yarn" | "pnpm", "build"])
    });
    let text = |path: &str| case.workspace.text(&case.in_repository(path));
    if called.count() != 1 || ["outDir", "BUILD_PATH", "--dest", "-d "].iter().any(|option| build.contains(option)) {
        return None;
    }
    let commands = node::commands(build);
    let last = commands.last()?.trim_start_matches("npx ");
    let names_its_own = |start: &str| {
        case.workspace.paths().any(|path| {
            path.rsplit('/').next().is_some_and(|name| name.starts_with(start))
                && case.workspace.text(path).is_none_or(|text| text.contains("outDir") || text.contains("outputDir"))
        })
    };
    // Frameworks that build with vite write to folders of their own.
    const ON_VITE: &[&str] =
        &["kit", "remix", "react-router", "nuxt", "vinxi", "vike", "start", "qwik", "electron", "astro", "ssr"];
    match last.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["tsc"] | ["tsc", "-p" | "--project" | "-b" | "--build", "." | "tsconfig.json"] | ["tsc", "-b" | "--build"]
            if commands.len() == 1 =>
        {
            let out = tsc_output(text("tsconfig.json")?)?;
            (!out.contains('/') && !out.is_empty()).then_some(out)
        }
        ["react-scripts", "build"] => Some("build".to_owned()),
        ["vite", "build"] => {
            let names =
                package.section(Section::Dependencies).into_iter().chain(package.section(Section::DevDependencies));
            let framework =
                names.into_iter().any(|(name, _)| ON_VITE.iter().any(|part| name.contains(part)) && name != "dotenv");
            (!framework && !names_its_own("vite.config")).then(|| "dist".to_owned())
        }
        ["vue-cli-service", "build"] => (!names_its_own("vue.config")).then(|| "dist".to_owned()),
        ["node", _] => script_output(case),
        _ => None,
    }
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let Some(index) = hit.place.as_ref().and_then(|place| case.dockerfile.at_line(place.line)).map(|(index, _)| index)
    else {
        return Prescription::none();
    };
    let Some(written) = case.dockerfile.instructions()[index].copy_paths().and_then(|(sources, _)| {
        // The builder may name only the folder that it did not find.
        let (whole, above) = (copying::plain(&hit.subject), copying::plain(&hit.subject) + "/");
        sources
            .iter()
            .find(|source| copying::plain(source) == whole)
            .or(sources.iter().find(|source| copying::plain(source).starts_with(&above)))
            .cloned()
    }) else {
        return Prescription::none();
    };
    if let Some(made) = made_in_stage(case, index, &written) {
        return Prescription::none().with(
            "copy-made",
            format!("Copy `{made}`"),
            "that is where a step of that stage writes it",
            Applicability::Rehearse,
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &written, &made),
        );
    }
    let Some((folder, name)) = written.trim_end_matches('/').rsplit_once('/') else { return Prescription::none() };
    let slash = if written.ends_with('/') { "/" } else { "" };
    let Some(right) = output(case, name).filter(|right| *right != name) else { return Prescription::none() };
    let new = format!("{folder}/{right}{slash}");
    let (from, to) = match kept_name(case, index, name) {
        Some((destination, named)) => (format!("{written} {destination}"), format!("{new} {named}")),
        None => (written.clone(), new.clone()),
    };
    Prescription::none().with(
        "copy-output",
        format!("Copy `{new}`"),
        "that is where the project's build tool writes",
        Applicability::Rehearse,
        edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &from, &to),
    )
}

/// Usual names of the folder that a build writes.
const OUTPUTS: &[&str] = &["dist", "build", "out", "public", "_site", "www", "site"];

/// Site generators and bundlers that write to a folder of their own.
const GENERATORS: &[(&str, &str)] = &[
    ("@11ty/eleventy", "_site"),
    ("@docusaurus/core", "build"),
    ("@vue/cli-service", "dist"),
    ("astro", "dist"),
    ("gatsby", "public"),
    ("parcel", "dist"),
];

/// Where a program is copied into a folder and started as `name`: that folder as written, and the path that keeps the name.
fn kept_name(case: &Case<'_>, index: usize, name: &str) -> Option<(String, String)> {
    let (sources, destination) = case.dockerfile.instructions()[index].copy_paths()?;
    let command = case.command();
    let started = [command.entrypoint, command.cmd].into_iter().flatten().any(|at| {
        let words = case.dockerfile.instructions()[at].words();
        words.iter().any(|word| word.rsplit('/').next() == Some(name))
    });
    (started && sources.len() == 1 && destination.ends_with('/'))
        .then(|| (destination.clone(), format!("{destination}{name}")))
}

/// The file that the stage behind instruction `index` writes in place of `wanted`: by its name, or the only one there is.
fn made_in_stage(case: &Case<'_>, index: usize, wanted: &str) -> Option<String> {
    let instructions = case.dockerfile.instructions();
    let stage = case.dockerfile.stages().into_iter().nth(case.dockerfile.stage_copied_from(index)?)?;
    let mut made = Vec::new();
    for at in stage.instructions.filter(|at| instructions[*at].keyword == "RUN") {
        let (script, workdir) = (node::script_of(case, at), case.dockerfile.workdir_at(at));
        for command in node::commands(&script) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let moves = words.iter().any(|word| matches!(*word, "cd" | "pushd"));
            let tells = ["go build", "jar ", "gcc ", "g++ ", "cc ", "rustc "].iter().any(|tool| command.contains(tool));
            let values = words.windows(2).filter(|pair| tells && matches!(pair[0], "-o" | "--file" | "--output"));
            made.extend(values.filter(|_| !moves).map(|pair| path::rooted(&workdir, pair[1])));
        }
    }
    made.dedup();
    let name = wanted.trim_end_matches('/').rsplit('/').next()?;
    let by_name: Vec<&String> = made.iter().filter(|path| path.rsplit('/').next() == Some(name)).collect();
    let found = match (by_name.as_slice(), made.as_slice()) {
        ([one], _) => (*one).clone(),
        ([], [one]) => one.clone(),
        _ => return None,
    };
    (copying::plain(&found) != copying::plain(wanted) && !found.contains('$')).then_some(found)
}

/// The name of what the project's build makes in place of `wanted`, where its files tell for sure.
fn output(case: &Case<'_>, wanted: &str) -> Option<String> {
    let text = |path: &str| case.workspace.text(&case.in_repository(path));
    if let Some(manifest) = text("package.json").filter(|_| OUTPUTS.contains(&wanted)) {
        let configured = case.workspace.paths().any(|path| {
            path.rsplit('/').next().is_some_and(|name| name.starts_with("vite.config"))
                && case.workspace.text(path).is_some_and(|text| text.contains("outDir"))
        });
        return match (
            manifest.contains("\"react-scripts\""),
            manifest.contains("\"vite\"") || manifest.contains("vite build"),
        ) {
            (true, false) => Some("build".to_owned()),
            (false, true) if !configured => Some("dist".to_owned()),
            _ => {
                let generator = GENERATORS.iter().find(|(package, _)| manifest.contains(&format!("\"{package}\"")));
                let known = generator.map(|(_, folder)| (*folder).to_owned());
                known.or_else(|| tsc_output(text("tsconfig.json")?)).or_else(|| script_output(case))
            }
        };
    }
    let mut binaries: Vec<String> = case
        .workspace
        .paths()
        .filter(|path| path.ends_with("Cargo.toml"))
        .flat_map(|path| binaries_of(case, path))
        .collect();
    binaries.dedup();
    binaries.pop().filter(|_| binaries.is_empty())
}

/// Where a script of the project's own writes, when it names just one folder for it.
fn script_output(case: &Case<'_>) -> Option<String> {
    let package = node::package(case, None)?;
    let file = package.script("build")?.strip_prefix("node ")?.trim_start_matches("./").trim().to_owned();
    let source = case.workspace.text(&case.in_repository(&file))?;
    let names = |folder: &str| {
        let start = |quote: char| {
            [format!("{quote}{folder}{quote}"), format!("{quote}{folder}/"), format!("{quote}./{folder}")]
        };
        ['"', '\'', '`'].into_iter().flat_map(start).any(|literal| source.contains(&literal))
    };
    // A folder that the repository has is where the script reads.
    let named: Vec<&&str> = OUTPUTS
        .iter()
        .filter(|folder| names(folder) && !case.workspace.has_folder(&case.in_repository(folder)))
        .collect();
    match named.as_slice() {
        [only] => Some((**only).to_owned()),
        _ => None,
    }
}

/// The programs that a Cargo package makes.
fn binaries_of(case: &Case<'_>, manifest: &str) -> Vec<String> {
    let mut section = String::new();
    let (mut package, mut named) = (None, Vec::new());
    for line in case.workspace.lines(manifest) {
        let line = line.trim();
        if line.starts_with('[') {
            section = line.to_owned();
        } else if let Some(name) = line.strip_prefix("name").and_then(|rest| rest.trim_start().strip_prefix('=')) {
            let name = name.trim().trim_matches('"').to_owned();
            match section.as_str() {
                "[package]" => package = Some(name),
                "[[bin]]" => named.push(name),
                _ => {}
            }
        }
    }
    let main = manifest.trim_end_matches("Cargo.toml").to_owned() + "src/main.rs";
    if named.is_empty() && case.workspace.contains(&main) {
        named.extend(package);
    }
    named
}

/// `outDir` of a tsconfig.
fn tsc_output(config: &str) -> Option<String> {
    let after = config.split("\"outDir\"").nth(1)?;
    let value = after.split('"').nth(1)?;
    Some(value.trim_start_matches("./").trim_end_matches('/').to_owned())
}
