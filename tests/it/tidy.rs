//! The house rules: who may import whom, and that the roster of rules is the folder of rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Rooms from the nouns down to the doors. A room may import rooms of earlier tiers and those named beside it.
const TIERS: &[&[&str]] = &[
    &["service", "workspace"],
    &["remedy", "knowledge"],
    &["dockerfile", "manifest", "context", "observation"],
    &["diagnosis"],
    &["narration"],
    &["learning", "validation", "phases", "choice"],
    &["attempts", "counsel", "release"],
    &["world"],
    &["memory", "render", "git", "builder", "index", "probe", "model", "storage"],
    &["sandbox"],
    &["operations"],
    &["mission"],
    &["course", "retreat"],
    &["simple_loop"],
    &["agents"],
    &["serve"],
    &["cli"],
];

/// Neighbours in one tier that may know each other, and the few arrows that point the other way, each with its reason.
const ALSO: &[(&str, &str, &str)] = &[
    ("workspace", "service", "files belong to a commit"),
    ("manifest", "dockerfile", "a manifest is found through the Dockerfile that copies it"),
    ("context", "dockerfile", "COPY sources are matched against the context"),
    ("validation", "choice", "a trial judges fixes together, as they were chosen"),
    ("release", "phases", "a release is one step of a phase"),
];

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(ROOT).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.sort();
    let room = |path: &Path| {
        let inside = path.strip_prefix(&root).expect("below src").components().next().expect("a name");
        inside.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    files
        .into_iter()
        .map(|path| (room(&path), path.clone(), fs::read_to_string(&path).expect("readable source")))
        .filter(|(room, ..)| room != "main" && room != "lib")
        .collect()
}

#[test]
fn arrows_between_rooms_only_point_down() {
    let tier: BTreeMap<&str, usize> =
        TIERS.iter().enumerate().flat_map(|(tier, rooms)| rooms.iter().map(move |room| (*room, tier))).collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        let Some(own) = tier.get(room.as_str()) else {
            wrong.push(format!("{} has no tier in tests/it/tidy.rs", path.display()));
            continue;
        };
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for part in line.split("crate::").skip(1) {
                let other: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let allowed = other == room
                    || tier.get(other.as_str()).is_none_or(|theirs| theirs < own)
                    || ALSO.iter().any(|(from, to, _)| *from == room && *to == other);
                if !allowed {
                    wrong.push(format!("{}:{}: `{room}` may not import `{other}`", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_named_after_nothing() {
    for (_, path, _) in sources() {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(!["utils", "util", "common", "helpers", "types", "misc", "mod"].contains(&name.as_str()), "{name}");
    }
}

/// Regenerates the roster when a rule file came or went: it fails once and is right afterwards; in CI it only fails.
#[test]
fn the_roster_is_the_folder() {
    let folder = Path::new(ROOT).join("src/diagnosis/catalogue");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the catalogue")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    let page = Path::new(ROOT).join("src/diagnosis/catalogue.rs");
    let text = fs::read_to_string(&page).expect("the roster");
    let (head, rest) = text.split_once("// <roster>\n").expect("a start mark");
    let (_, tail) = rest.split_once("// </roster>").expect("an end mark");
    let modules: String = names.iter().map(|name| format!("mod {name};\n")).collect();
    let rules: String = names.iter().map(|name| format!("    &{name}::RULE,\n")).collect();
    let wanted =
        format!("{head}// <roster>\n{modules}\npub const ROSTER: &[&Rule] = &[\n{rules}];\n// </roster>{tail}");
    if text.split_whitespace().ne(wanted.split_whitespace()) {
        if std::env::var_os("CI").is_none() {
            fs::write(&page, wanted).expect("writable");
        }
        panic!("the roster was out of step with src/diagnosis/catalogue; it has been written anew: run again");
    }
}

/// Lines of code with their places; comments are none.
fn code() -> Vec<(PathBuf, usize, String)> {
    let lines = |(_, path, text): (String, PathBuf, String)| {
        let path = path.strip_prefix(ROOT).expect("below the root").to_owned();
        let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        code.map(|(index, line)| (path.clone(), index + 1, line.to_owned())).collect::<Vec<_>>()
    };
    sources().into_iter().flat_map(lines).collect()
}

/// Where `unsafe` may stand, and why it must.
const UNSAFE: &[(&str, &str)] = &[("src/builder/child/spaces.rs", "rustix marks `unshare` as unsafe")];

#[test]
fn unsafe_stands_in_named_files_and_each_block_says_why_it_is_sound() {
    let mut seen = 0;
    for (path, number, line) in code().into_iter().filter(|(_, _, line)| line.contains("unsafe ")) {
        if line.contains("reason = ") {
            continue;
        }
        seen += 1;
        assert!(UNSAFE.iter().any(|(file, _)| path == Path::new(file)), "{}:{number}: {line}", path.display());
        let text = fs::read_to_string(Path::new(ROOT).join(&path)).expect("readable source");
        let above: Vec<&str> = text.lines().take(number - 1).collect();
        let comment = above.iter().rev().take_while(|line| line.trim_start().starts_with("//"));
        let explained = comment.into_iter().any(|line| line.contains("SAFETY:"));
        assert!(explained, "{}:{number} has no `SAFETY:` comment", path.display());
    }
    assert_eq!(seen, UNSAFE.len(), "a file without `unsafe` needs no leave for it");
}

#[test]
fn no_push_can_be_forced_and_only_the_room_of_git_runs_git() {
    for (path, number, line) in code() {
        let place = format!("{}:{number}: {}", path.display(), line.trim());
        for word in ["--force", "\"-f\"", "--mirror", "--delete", "--prune", "--no-verify"] {
            assert!(!line.contains(word) || !path.starts_with("src/git"), "{place}");
        }
        // A leading `+` forces: a fetch may do that with its own tracking ref, and nothing else may.
        if line.contains("\"+refs/") {
            assert!(line.contains("+refs/heads/{branch}:{tracking}"), "{place}");
        }
        if line.contains("world::command(\"git\")") {
            assert!(path.starts_with("src/git"), "{place}");
        }
    }
}

/// Who may start a shell: the builders, which carry out the Dockerfile that was asked for, in the isolation they have.
#[test]
fn no_shell_sees_a_log() {
    for (path, number, line) in code() {
        let place = format!("{}:{number}: {}", path.display(), line.trim());
        let starts = ["command(\"sh\")", "command(\"bash\")", "command(\"/bin/sh\")", "\"/bin/sh\""];
        let is_shell = starts.iter().any(|start| line.contains(start));
        assert!(!is_shell || path.starts_with("src/builder") || path.starts_with("src/diagnosis"), "{place}");
        // Rules write `sh` into Dockerfiles; they start nothing at all.
        let is_process = line.contains("command(") && (line.contains("world::") || line.contains("Command::new"));
        assert!(!is_process || !path.starts_with("src/diagnosis"), "{place}");
    }
}
