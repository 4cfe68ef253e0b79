//! Workers: where a project says how many processes it starts.

use std::sync::LazyLock;

use regex::Regex;

use super::{Change, Start};
use crate::diagnosis::Case;
use crate::dockerfile::edit;
use crate::remedy::Edit;

/// A place that says a number of workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `WORKERS`, `--workers`, `workers`.
    pub name: String,
    /// `None` when it is computed from the processors of the machine.
    pub count: Option<u32>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// An ENV instruction and the text of the pair.
    Variable { index: usize, written: String },
    /// The word of the start command, with what stands before the number.
    Word { old: String, front: String },
    /// A line of a configuration file.
    Line { path: String, line: usize, front: String, back: String },
}

/// Variables that mean a number of processes, as servers and projects name them.
const VARIABLES: [&str; 12] = [
    "WEB_CONCURRENCY",
    "WORKERS",
    "NUM_WORKERS",
    "GUNICORN_WORKERS",
    "UVICORN_WORKERS",
    "WEB_WORKERS",
    "WORKER_COUNT",
    "WORKERS_COUNT",
    "WORKER_PROCESSES",
    "CLUSTER_WORKERS",
    "PUMA_WORKERS",
    "MAX_WORKERS",
];

static LINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\s*workers\s*(?:=|\s)\s*)([^#\n]*?)(\s*(?:#.*)?)$").ok());

/// All settings, in the order in which they win: command, configuration file, variable.
pub fn settings(case: &Case<'_>) -> Vec<Setting> {
    let mut out = Vec::new();
    if let Some(start) = Start::of(case) {
        out.extend(of_command(&start));
    }
    for path in case.workspace.paths() {
        let name = path.rsplit('/').next().unwrap_or(path);
        if matches!(name, "gunicorn.conf.py" | "gunicorn_conf.py" | "gunicorn_config.py" | "gunicorn.py" | "puma.rb") {
            out.extend(of_file(case, path));
        }
    }
    for (index, instruction) in
        case.dockerfile.instructions().iter().enumerate().filter(|(_, each)| each.keyword == "ENV")
    {
        for pair in instruction.written_pairs() {
            let value = pair.value.clone().unwrap_or_default();
            let count = value.trim_matches(['"', '\'']).parse().ok();
            if VARIABLES.contains(&pair.name.as_str()) && count.is_some() {
                let sign = if pair.equals { "=" } else { " " };
                let written = format!("{}{sign}{value}", pair.name);
                out.push(Setting { name: pair.name, count, kind: Kind::Variable { index, written } });
            }
        }
    }
    out
}

fn of_command(start: &Start) -> Option<Setting> {
    let words = &start.words;
    let server = words.iter().take(3).any(|word| {
        ["gunicorn", "uvicorn", "hypercorn", "puma", "granian", "daphne"].iter().any(|name| word.ends_with(name))
    });
    let options: &[&str] = if server { &["--workers", "-w", "--worker"] } else { &["--workers"] };
    options.iter().find_map(|option| {
        let at = words.iter().position(|word| {
            word.strip_prefix(option)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('=') || rest.parse::<u32>().is_ok())
        })?;
        let (old, front) = match words[at].strip_prefix(option)? {
            "" => (words.get(at + 1)?.clone(), String::new()),
            rest => {
                let front = words[at].len() - rest.trim_start_matches('=').len();
                (words[at].clone(), words[at][..front].to_owned())
            }
        };
        let count = old[front.len()..].parse().ok()?;
        Some(Setting { name: (*option).to_owned(), count: Some(count), kind: Kind::Word { old, front } })
    })
}

fn of_file(case: &Case<'_>, path: &str) -> Option<Setting> {
    let lines = case.workspace.lines(path);
    lines.iter().enumerate().find_map(|(index, line)| {
        let found = LINE.as_ref()?.captures(line)?;
        let value = found[2].trim();
        let computed = value.contains("cpu_count") || value.contains("nproc") || value.contains("processor");
        let count: Option<u32> = value.parse().ok();
        if !computed && count.is_none() {
            return None;
        }
        let kind = Kind::Line {
            path: path.to_owned(),
            line: index + 1,
            front: found[1].to_owned(),
            back: found[3].to_owned(),
        };
        Some(Setting { name: "workers".into(), count, kind })
    })
}

/// The edit that sets the number.
pub fn edit(case: &Case<'_>, setting: &Setting, count: u32) -> Option<Edit> {
    match &setting.kind {
        Kind::Variable { index, written } => {
            let old = written.trim_start_matches(setting.name.as_str());
            let digits: String = old.chars().filter(char::is_ascii_digit).collect();
            let new = format!("{}{}", setting.name, old.replacen(&digits, &count.to_string(), 1));
            edit::replace_in_instruction(case.workspace, case.dockerfile_path, case.dockerfile, *index, written, &new)
        }
        Kind::Word { old, front } => {
            let start = Start::of(case)?;
            let words = &start.words;
            let is_option = front.is_empty();
            if is_option && words.iter().filter(|word| *word == old).count() > 1 {
                return None;
            }
            if is_option
                && start.text.matches(&format!("{} {old}", setting.name)).count() == 1
                && start.place != super::Place::Exec
            {
                let change = Change::Replace {
                    old: format!("{} {old}", setting.name),
                    new: format!("{} {count}", setting.name),
                };
                return start.edit(case, &[change]);
            }
            start.edit(case, &[Change::Replace { old: old.clone(), new: format!("{front}{count}") }])
        }
        Kind::Line { path, line, front, back } => {
            Edit::replace(case.workspace, path, *line, *line, &[&format!("{front}{count}{back}")])
        }
    }
}
