//! Which RUN installs what with pip.

use crate::diagnosis::Case;

/// One `pip install` (or `pip wheel`, `uv pip install`) of a RUN.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Install {
    /// The RUN instruction.
    pub index: usize,
    /// Requirement files, then constraint files, as written.
    pub files: Vec<String>,
    pub constraints: Vec<String>,
    /// Requirements written in the command, quotes removed.
    pub named: Vec<String>,
    /// Paths and addresses: `.`, `git+https://…`.
    pub direct: Vec<String>,
}

/// Options of `pip install` that take a value in the next word.
const TAKES_VALUE: &[&str] = &[
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--prefix",
    "--root",
    "-b",
    "--build",
    "--src",
    "--upgrade-strategy",
    "--install-option",
    "--global-option",
    "--no-binary",
    "--only-binary",
    "--progress-bar",
    "--log",
    "--proxy",
    "--retries",
    "--timeout",
    "--trusted-host",
    "--cert",
    "--cache-dir",
    "-w",
    "--wheel-dir",
    "--config-settings",
    "-C",
    "--python",
];

/// Every `pip install` of the Dockerfile, in order.
pub fn installs(case: &Case<'_>) -> Vec<Install> {
    let mut out = Vec::new();
    for (index, instruction) in case.dockerfile.instructions().iter().enumerate() {
        if instruction.keyword != "RUN" {
            continue;
        }
        let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.as_str());
        let exec = instruction.exec().map(|words| words.join(" "));
        let text = exec.unwrap_or_else(|| instruction.args.clone());
        for body in std::iter::once(text.as_str()).chain(bodies) {
            out.extend(commands(body).into_iter().filter_map(|words| install(index, &words)));
        }
    }
    out
}

/// The simple commands of a shell text, as words without quotes.
pub fn commands(text: &str) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = vec![vec![]];
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(each) = chars.next() {
        match (quote, each) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), each) => word.push(each),
            (None, '\'' | '"') => {
                quote = Some(each);
                quoted = true;
            }
            (None, '\\') => word.extend(chars.next().filter(|next| *next != '\n')),
            (None, '&' | ';' | '|' | '\n' | '(' | ')') => {
                end_word(&mut out, &mut word, &mut quoted);
                out.push(vec![]);
            }
            (None, each) if each.is_whitespace() => end_word(&mut out, &mut word, &mut quoted),
            (None, each) => word.push(each),
        }
    }
    end_word(&mut out, &mut word, &mut quoted);
    out.retain(|words| !words.is_empty());
    out
}

fn end_word(out: &mut [Vec<String>], word: &mut String, quoted: &mut bool) {
    if (!word.is_empty() || *quoted)
        && let Some(words) = out.last_mut()
    {
        words.push(std::mem::take(word));
    }
    *quoted = false;
}

fn install(index: usize, words: &[String]) -> Option<Install> {
    let is_pip = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name == "pip"
            || name.strip_prefix("pip").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    let pip = words.iter().position(is_pip)?;
    let verb = (pip + 1..words.len()).find(|at| !words[*at].starts_with('-'))?;
    if !matches!(words[verb].as_str(), "install" | "wheel" | "download" | "sync") {
        return None;
    }
    let mut found = Install { index, ..Install::default() };
    if words[verb] == "sync" {
        found.files = words[verb + 1..].iter().filter(|word| !word.starts_with('-')).cloned().collect();
        return Some(found);
    }
    let mut rest = words[verb + 1..].iter();
    while let Some(word) = rest.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value.to_owned())),
            _ => (word.as_str(), None),
        };
        match option {
            "-r" | "--requirement" | "--requirements" => found.files.extend(value.or_else(|| rest.next().cloned())),
            "-c" | "--constraint" | "--constraints" => found.constraints.extend(value.or_else(|| rest.next().cloned())),
            "-e" | "--editable" => found.direct.extend(value.or_else(|| rest.next().cloned())),
            option if TAKES_VALUE.contains(&option) && value.is_none() => drop(rest.next()),
            option if option.starts_with("-r") && !option.starts_with("--") => found.files.push(option[2..].to_owned()),
            option if option.starts_with('-') => {}
            _ if word.starts_with(['.', '/']) || word.contains("://") => found.direct.push(word.clone()),
            _ => found.named.push(word.clone()),
        }
    }
    Some(found)
}
