//! The Dockerfile room against BuildKit's own parser data, every Dockerfile at hand, and any text at all.

use std::fs;
use std::path::{Path, PathBuf};

use domain_runner::dockerfile::{Dockerfile, Instruction, edit};
use domain_runner::remedy::{Edit, apply};
use domain_runner::workspace::Workspace;
use proptest::prelude::*;

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");
const BUILDKIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/dockerfiles/buildkit");

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("`{}` cannot be read: {error}", path.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths
}

/// Every Dockerfile below `path`.
fn dockerfiles(path: &Path) -> Vec<PathBuf> {
    let is_one = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("Dockerfile") || name.ends_with(".Dockerfile")
    };
    let mut found = Vec::new();
    for entry in folders(path) {
        if entry.is_dir() {
            found.extend(dockerfiles(&entry));
        } else if is_one(&entry) {
            found.push(entry);
        }
    }
    found
}

fn read(path: &Path) -> Dockerfile {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("`{}` cannot be read: {error}", path.display()));
    let dockerfile = Dockerfile::parse(&text);
    assert_eq!(dockerfile.text(), text);
    dockerfile
}

/// As Go's `strconv.Quote` writes it.
fn quoted(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        other if other < ' ' => format!("\\x{:02x}", u32::from(other)),
        other => other.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn arguments(instruction: &Instruction) -> Vec<String> {
    let args = &instruction.args;
    let whole = || if args.is_empty() { vec![] } else { vec![args.clone()] };
    let blank = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match instruction.keyword.as_str() {
        "ENV" | "LABEL" => {
            let triple = |pair: domain_runner::dockerfile::Pair| {
                let sign = if pair.equals { "=" } else { "" };
                [pair.name, pair.value.unwrap_or_default(), sign.to_owned()]
            };
            instruction.written_pairs().into_iter().flat_map(triple).collect()
        }
        "ARG" => {
            let joined = |pair: domain_runner::dockerfile::Pair| match pair.value {
                Some(value) => format!("{}={value}", pair.name),
                None => pair.name,
            };
            instruction.written_pairs().into_iter().map(joined).collect()
        }
        "FROM" | "EXPOSE" => blank(args),
        "ADD" | "COPY" | "VOLUME" => instruction.exec().unwrap_or_else(|| blank(args)),
        "CMD" | "ENTRYPOINT" | "RUN" | "SHELL" => instruction.exec().unwrap_or_else(whole),
        "HEALTHCHECK" => {
            let (kind, command) = args.split_once(char::is_whitespace).unwrap_or((args, ""));
            let rest = || if command.is_empty() { vec![] } else { vec![command.trim_start().to_owned()] };
            let command = instruction.exec().unwrap_or_else(rest);
            Some(kind.to_owned()).filter(|kind| !kind.is_empty()).into_iter().chain(command).collect()
        }
        _ => whole(),
    }
}

/// The form of BuildKit's `result` files.
fn rendered(instruction: &Instruction) -> String {
    let mut out = format!("({}", instruction.keyword.to_lowercase());
    if !instruction.flags.is_empty() {
        let flags = instruction.flags.iter().map(|flag| match &flag.value {
            Some(value) => quoted(&format!("--{}={value}", flag.name)),
            None => quoted(&format!("--{}", flag.name)),
        });
        out.push_str(&format!(" [{}]", flags.collect::<Vec<_>>().join(" ")));
    }
    match instruction.onbuild() {
        Some(inner) => out.push_str(&format!(" {}", rendered(&inner))),
        None => arguments(instruction).iter().for_each(|argument| out.push_str(&format!(" {}", quoted(argument)))),
    }
    out.push(')');
    out
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn every_file_of_buildkit_reads_as_buildkit_reads_it() {
    let cases = folders(&Path::new(BUILDKIT).join("testfiles"));
    assert!(cases.len() >= 33, "{}", cases.len());
    for case in cases {
        let dockerfile = read(&case.join("Dockerfile"));
        let expected = fs::read_to_string(case.join("result")).expect("result");
        let found: Vec<String> = dockerfile.instructions().iter().map(rendered).collect();
        assert_eq!(found.join("\n"), expected.trim(), "{}", case.display());
    }
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn what_buildkit_refuses_has_problems() {
    let message = |name: &str| {
        let dockerfile = read(&Path::new(BUILDKIT).join("testfiles-negative").join(name).join("Dockerfile"));
        dockerfile.problems().first().map(|problem| (problem.line, problem.message.clone()))
    };
    let at = |line: usize, text: &str| Some((line, text.to_owned()));
    assert_eq!(message("empty_dockerfile"), at(1, "file with no instructions"));
    assert_eq!(message("only_comments"), at(3, "file with no instructions"));
    assert_eq!(message("env_no_value"), at(3, "ENV must have two arguments"));
    assert_eq!(
        message("shykes-nested-json"),
        at(1, "when using JSON array syntax, arrays must be comprised of strings only")
    );
    assert_eq!(folders(&Path::new(BUILDKIT).join("testfiles-negative")).len(), 4);
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn instructions_know_their_lines() {
    let dockerfile = read(&Path::new(BUILDKIT).join("testfile-line/Dockerfile"));
    let lines: Vec<(usize, usize)> =
        dockerfile.instructions().iter().map(|each| (each.first_line, each.last_line)).collect();
    assert_eq!(lines, [(5, 5), (11, 12), (17, 31)]);
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn every_dockerfile_at_hand_is_read() {
    let shared = Path::new(SHARED);
    let cases = folders(&shared.join("cases"));
    let mut found: Vec<PathBuf> = cases
        .iter()
        .filter(|case| case.join("project").is_dir())
        .flat_map(|case| dockerfiles(&case.join("project")))
        .collect();
    assert!(found.len() >= 20, "{}", found.len());
    found.extend(dockerfiles(&shared.join("logs")));
    assert!(found.len() >= 100, "{}", found.len());
    for path in found {
        sound(&read(&path));
    }
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn services_that_build_have_no_problems() {
    let found = dockerfiles(&Path::new(SHARED).join("good-services"));
    assert!(found.len() >= 30, "{}", found.len());
    for path in found {
        let dockerfile = read(&path);
        assert_eq!(dockerfile.problems(), [], "{}", path.display());
        sound(&dockerfile);
    }
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn a_problem_reads_as_in_the_log_of_the_failed_build() {
    let logs = Path::new(SHARED).join("logs");
    let log = fs::read_to_string(logs.join("sw-4054.log")).expect("log");
    let dockerfile = read(&logs.join("sw-4054.Dockerfile"));
    let problem = dockerfile.problems().first().expect("a problem");
    assert_eq!(Some(problem.message.as_str()), log.lines().last());
}

/// What holds of any text.
fn sound(dockerfile: &Dockerfile) {
    let lines = dockerfile.text().lines().count();
    let mut end = 0;
    for (index, instruction) in dockerfile.instructions().iter().enumerate() {
        assert!(instruction.first_line > end, "instruction {index} overlaps");
        assert!(instruction.first_line <= instruction.last_line && instruction.last_line <= lines, "{index}");
        end = instruction.last_line;
        instruction.words();
        instruction.pairs();
        instruction.copy_paths();
        let given = [("A".to_owned(), "1".to_owned())].into();
        dockerfile.expand(index, &instruction.args, &given);
        assert!(dockerfile.workdir_at(index).starts_with('/'));
        assert_eq!(dockerfile.at_line(end).map(|(found, _)| found), Some(index));
        if let Some(stage) = dockerfile.stage_of(index) {
            let stage = &dockerfile.stages()[stage];
            assert!(stage.from == index || stage.instructions.contains(&index));
        }
    }
    let command = dockerfile.final_command();
    for index in [command.cmd, command.entrypoint].into_iter().flatten() {
        assert!(matches!(dockerfile.instructions()[index].keyword.as_str(), "CMD" | "ENTRYPOINT"));
    }
    for problem in dockerfile.problems() {
        assert!((1..=lines.max(1)).contains(&problem.line), "{}", problem.message);
    }
}

/// Whether `edit` leaves every line outside its own as it was, terminators included.
fn touches_only_its_lines(text: &str, edit: &Edit) {
    let workspace = Workspace::of(&[("d", text)]);
    let after = apply(std::slice::from_ref(edit), &workspace).expect("a verified edit fits");
    let after = after.text("d").expect("text");
    let Edit::Lines { line, old, new, .. } = edit else { panic!("not an edit of lines") };
    let before: Vec<&str> = text.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    assert_eq!(before[..line - 1], after[..line - 1]);
    assert_eq!(before[line - 1 + old.len()..], after[line - 1 + new.len()..]);
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("FROM a AS b".to_owned()),
        Just("FROM b".to_owned()),
        Just("RUN apt-get update && apt-get install -y x".to_owned()),
        Just("RUN apt-get install \\".to_owned()),
        Just("  curl \\".to_owned()),
        Just("# comment \\".to_owned()),
        Just("#escape=`".to_owned()),
        Just("COPY <<E <<-'F' /x".to_owned()),
        Just("COPY a ./".to_owned()),
        Just("COPY [\"a\", \"b/\"]".to_owned()),
        Just("E".to_owned()),
        Just("\tF".to_owned()),
        Just("ENV A=\"b \\".to_owned()),
        Just("ARG A=${B:-$A}".to_owned()),
        Just("ONBUILD RUN <<E".to_owned()),
        Just("HEALTHCHECK CMD x".to_owned()),
        Just("CMD x `".to_owned()),
        Just(String::new()),
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let end = prop_oneof![Just("\n"), Just("\n"), Just("\n"), Just("\r\n")];
    let lines = proptest::collection::vec((line(), end), 0..14);
    (any::<bool>(), lines, line()).prop_map(|(mark, lines, last)| {
        let lines: String = lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect();
        format!("{}{lines}{last}", if mark { "\u{feff}" } else { "" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_back_unchanged(text in "(?s).{0,200}") {
        let dockerfile = Dockerfile::parse(&text);
        prop_assert_eq!(dockerfile.text(), &text);
        sound(&dockerfile);
    }

    #[test]
    fn any_lines_are_read_and_edited_where_named(text in text(), index in 0_usize..8) {
        let dockerfile = Dockerfile::parse(&text);
        sound(&dockerfile);
        let workspace = Workspace::of(&[("d", &text)]);
        let edits = [
            edit::set_image(&workspace, "d", &dockerfile, index, "new:1"),
            edit::insert_before_instruction(&workspace, "d", &dockerfile, index, &["ENV X=1"]),
            edit::insert_after_instruction(&workspace, "d", &dockerfile, index, &["ENV X=1"]),
            edit::delete_instruction(&workspace, "d", &dockerfile, index),
            edit::replace_in_instruction(&workspace, "d", &dockerfile, index, "a", "z"),
            edit::add_copy_source(&workspace, "d", &dockerfile, index, "new"),
            edit::set_command(&workspace, "d", &dockerfile, index, "CMD [\"new\"]"),
            edit::add_apt_packages(&workspace, "d", &dockerfile, index, &["new"]),
        ];
        for edit in edits.into_iter().flatten() {
            touches_only_its_lines(&text, &edit);
        }
    }
}

/// Repeated, it doubles each time: forty lines would be a terabyte.
#[test]
fn a_variable_that_is_made_of_itself_stays_small() {
    let text = format!("FROM a\nENV A=aaaaaaaa\n{}COPY $A .\n", "ENV A=$A$A\n".repeat(40));
    let dockerfile = Dockerfile::parse(&text);
    let value = &dockerfile.env_at(dockerfile.instructions().len())["A"];
    assert_eq!(value.len(), 16 << 10);
}

#[test]
fn a_line_reads_as_in_the_workspace() {
    for text in
        ["", "\n", "FROM a", "FROM a\n", "FROM a\r\nRUN b\r\n", "FROM a\n\r", "a\r\r\n\n\r\n b \\\n c", "# ü\nFROM ü\r"]
    {
        let workspace = Workspace::of(&[("Dockerfile", text)]);
        let dockerfile = Dockerfile::parse(text);
        let lines: Vec<&str> = (1..).map_while(|number| dockerfile.line(number)).collect();
        assert_eq!(lines, workspace.lines("Dockerfile"), "{text:?}");
        assert_eq!(dockerfile.line(0), None);
    }
}
