//! Start: what the final stage starts, which server that is, and where it listens, as far as the files tell.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::dockerfile::edit;
use crate::manifest::package_json::PackageJson;
use crate::remedy::Edit;

pub mod address;
pub mod gunicorn;
pub mod nginx;
pub mod reach;
pub mod script;
mod servers;
pub mod source;
pub mod workers;

pub use servers::Server;

/// Where the words of a start command stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `CMD ["a", "b"]`
    Exec,
    /// `CMD a b`
    Shell,
    /// `CMD ["sh", "-c", "a b"]`, with the words before the text.
    ExecShell(Vec<String>),
    /// The service's own command, in its settings.
    Settings,
    /// A script of package.json, run by npm, yarn or pnpm.
    Script { path: String, name: String },
    /// Line `line` (from 1) of a shell script that the image starts.
    File { path: String, line: usize },
}

/// The start command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The CMD or ENTRYPOINT it stands in; `None` for the service's own command.
    pub index: Option<usize>,
    pub place: Place,
    /// The words of the server's own command: `exec`, assignments and what comes before are left out.
    pub words: Vec<String>,
    /// The text, where a shell reads it.
    pub text: String,
}

/// A port, as a start command has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Written as a number.
    Fixed(u16),
    /// Not written, the server's own default.
    Default(u16),
    /// Taken from `$PORT`, by the command or by the server itself.
    FromEnvironment,
    Unknown,
}

/// An address, as a start command has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Written: `127.0.0.1`, `localhost`.
    Loopback,
    /// Not written, and the server's default is the loopback interface.
    LoopbackByDefault,
    Everywhere,
    Unknown,
}

/// A change of a start command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Replace { old: String, new: String },
    Append(Vec<String>),
}

impl Start {
    /// Reads the final stage and the service's own command. `None` when they leave it to the base image or to a script.
    pub fn of(case: &Case<'_>) -> Option<Self> {
        let command = case.command();
        let own = command.entrypoint.filter(|entrypoint| {
            let words = case.dockerfile.instructions()[*entrypoint].words();
            let first = words.first().map_or("", String::as_str);
            let passes_on = first.ends_with(".sh")
                || ["tini", "dumb-init", "docker-entrypoint"].iter().any(|name| first.ends_with(name));
            !passes_on || words.len() > 2
        });
        let start = match own.or(command.cmd) {
            Some(index) => Self::of_instruction(case, index),
            None => Self::of_settings(case.facts.docker_command.as_deref()?),
        };
        Some(start.script(case).or_else(|| start.shell_script(case)).unwrap_or(start))
    }

    fn of_settings(text: &str) -> Self {
        let mut words = words_of(text);
        // A shell is written before several commands; those are its own.
        if let [shell, option, _, ..] = words.as_slice()
            && is_shell(shell)
            && option == "-c"
        {
            words.drain(..2);
        }
        Self { index: None, place: Place::Settings, words, text: text.to_owned() }
    }

    fn of_instruction(case: &Case<'_>, index: usize) -> Self {
        let instruction = &case.dockerfile.instructions()[index];
        let (place, text, words) = match instruction.exec() {
            Some(exec) => match exec.as_slice() {
                [shell, option, text] if is_shell(shell) && option.starts_with('-') && option.ends_with('c') => {
                    (Place::ExecShell(exec[..2].to_vec()), text.clone(), words_of(text))
                }
                _ => (Place::Exec, exec.join(" "), exec),
            },
            None => (Place::Shell, instruction.args.clone(), words_of(&instruction.args)),
        };
        Self { index: Some(index), place, words, text }
    }

    /// The script of package.json that `npm start` and the like run.
    fn script(&self, case: &Case<'_>) -> Option<Self> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
        let name = match words.as_slice() {
            ["npm" | "pnpm" | "yarn", "run", name, ..] => *name,
            ["npm" | "pnpm" | "yarn", "start"] => "start",
            ["yarn" | "pnpm", name] => name,
            _ => return None,
        };
        let package = node::package(case, self.index)
            .or_else(|| PackageJson::read(case.workspace, &case.in_repository("package.json")))?;
        let text = package.script(name)?.to_owned();
        let place = Place::Script { path: package.path().to_owned(), name: name.to_owned() };
        Some(Self { index: self.index, place, words: words_of(&text), text })
    }

    /// The server's own line in the shell script that the image starts.
    fn shell_script(&self, case: &Case<'_>) -> Option<Self> {
        let script = script::started(case)?;
        let lines = case.workspace.lines(&script.path);
        let found = lines.iter().enumerate().rev().find_map(|(number, line)| {
            let (text, words) = (line.trim(), words_of(line.trim()));
            let is_server = !text.starts_with('#') && !text.ends_with('\\') && servers::of(&words).is_some();
            is_server.then(|| (number + 1, text.to_owned(), words))
        });
        let (line, text, words) = found?;
        Some(Self { index: self.index, place: Place::File { path: script.path, line }, words, text })
    }

    /// Which server it is.
    pub fn server(&self) -> Option<&'static Server> {
        servers::of(&self.words)
    }

    /// The command as an explanation names it.
    pub fn called(&self) -> String {
        match self.place {
            Place::Settings => format!("`{}`, the command in the service's settings,", self.text),
            _ => format!("`{}`", self.text),
        }
    }

    /// The line of the Dockerfile, if it stands there.
    pub fn line(&self, case: &Case<'_>) -> Option<usize> {
        Some(case.dockerfile.instructions()[self.index?].first_line)
    }

    /// The file and line in which the server is told where to listen, if it is a file that tells it.
    pub fn stands_at(&self, case: &Case<'_>) -> Option<(String, usize)> {
        match &self.place {
            Place::File { path, line } => Some((path.clone(), *line)),
            _ => Some((case.dockerfile_path.to_owned(), self.line(case)?)),
        }
    }

    pub fn port(&self, case: &Case<'_>) -> Port {
        let Some(server) = self.server() else { return Port::Unknown };
        let environment = case.dockerfile.env_at(case.dockerfile.instructions().len());
        match server.port_word(&self.words) {
            Some(word) if word.contains('$') => Port::FromEnvironment,
            Some(word) => port_of(word).map_or(Port::Unknown, Port::Fixed),
            None if server.reads_port => Port::FromEnvironment,
            None if server.variables.iter().any(|name| environment.contains_key(*name)) => Port::Unknown,
            None => Port::Default(server.default_port),
        }
    }

    pub fn host(&self, case: &Case<'_>) -> Host {
        let Some(server) = self.server() else { return Host::Unknown };
        let environment = case.dockerfile.env_at(case.dockerfile.instructions().len());
        match server.host_word(&self.words) {
            Some(word) if is_loopback(word) => Host::Loopback,
            Some(word) if word.contains('$') => Host::Unknown,
            Some(_) => Host::Everywhere,
            None if !server.loopback => Host::Everywhere,
            None if server.variables.iter().any(|name| environment.contains_key(*name)) => Host::Unknown,
            None => Host::LoopbackByDefault,
        }
    }

    /// What makes it listen on all interfaces.
    pub fn listening_everywhere(&self, case: &Case<'_>) -> Vec<Change> {
        let Some(server) = self.server() else { return vec![] };
        match self.host(case) {
            Host::Loopback => {
                let Some(word) = server.host_word(&self.words) else { return vec![] };
                vec![Change::Replace { old: word.to_owned(), new: everywhere(word) }]
            }
            Host::LoopbackByDefault => vec![Change::Append(server.words_for("0.0.0.0", None))],
            Host::Everywhere | Host::Unknown => vec![],
        }
    }

    /// What makes it listen on `$PORT`, and on its old port where that is not set.
    pub fn listening_on_port(&self, case: &Case<'_>) -> Vec<Change> {
        let Some(server) = self.server() else { return vec![] };
        match self.port(case) {
            Port::Fixed(port) => {
                let Some(word) = server.port_word(&self.words) else { return vec![] };
                let new = replace_last(word, &port.to_string(), &format!("${{PORT:-{port}}}"));
                vec![Change::Replace { old: word.to_owned(), new }]
            }
            Port::Default(port) => vec![Change::Append(server.words_for_port(&format!("${{PORT:-{port}}}")))],
            Port::FromEnvironment | Port::Unknown => vec![],
        }
    }

    /// Both at once: one word may hold address and port.
    pub fn listening_for_the_platform(&self, case: &Case<'_>) -> Vec<Change> {
        let Some(server) = self.server() else { return vec![] };
        let (host, port) = (self.listening_everywhere(case), self.listening_on_port(case));
        match (host.as_slice(), port.as_slice()) {
            ([Change::Replace { old: a, new }], [Change::Replace { old: b, .. }]) if a == b => match self.port(case) {
                Port::Fixed(number) => {
                    let new = replace_last(new, &number.to_string(), &format!("${{PORT:-{number}}}"));
                    vec![Change::Replace { old: a.clone(), new }]
                }
                _ => host,
            },
            ([Change::Append(_)], [Change::Append(_)]) => {
                let port = format!("${{PORT:-{}}}", server.default_port);
                vec![Change::Append(server.words_for("0.0.0.0", Some(&port)))]
            }
            _ => host.into_iter().chain(port).collect(),
        }
    }

    /// The edit that makes `changes`. `None` when the command is put together in a way that cannot be followed.
    pub fn edit(&self, case: &Case<'_>, changes: &[Change]) -> Option<Edit> {
        if changes.is_empty() {
            return None;
        }
        let workspace = case.workspace;
        match &self.place {
            Place::Settings => None,
            Place::Exec => {
                let words = changed_words(&self.words, changes)?;
                if words.iter().any(|word| word.contains('$')) {
                    let text: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                    self.rewritten(case, &json(&["sh".into(), "-c".into(), format!("exec {}", text.join(" "))])?)
                } else {
                    self.rewritten(case, &json(&words)?)
                }
            }
            Place::Shell => self.rewritten(case, &changed_text(&self.text, changes)?),
            Place::ExecShell(front) => {
                let words: Vec<String> = front.iter().cloned().chain([changed_text(&self.text, changes)?]).collect();
                self.rewritten(case, &json(&words)?)
            }
            Place::Script { path, name } => {
                let text = changed_text(&self.text, changes)?;
                PackageJson::read(workspace, path)?.set_string(workspace, name, &self.text, &text)
            }
            Place::File { path, line } => {
                let old = workspace.lines(path).get(line - 1).copied()?;
                let text = changed_text(&self.text, changes)?;
                Edit::replace(workspace, path, *line, *line, &[&old.replacen(&self.text, &text, 1)])
            }
        }
    }

    /// The edit that gives its instruction other arguments. `None` for the service's own command.
    pub fn rewritten(&self, case: &Case<'_>, arguments: &str) -> Option<Edit> {
        let index = self.index?;
        let line = format!("{} {arguments}", case.dockerfile.instructions()[index].written);
        edit::set_command(case.workspace, case.dockerfile_path, case.dockerfile, index, &line)
    }
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"))
}

/// The words of the last command of a shell text.
fn words_of(text: &str) -> Vec<String> {
    let last = node::commands(text).pop().unwrap_or(text);
    let mut words: Vec<String> =
        last.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
    let is_before = |word: &String| {
        word == "exec"
            || word == "cross-env"
            || word
                .split_once('=')
                .is_some_and(|(name, _)| name.chars().all(|each| each.is_ascii_uppercase() || each == '_'))
    };
    while words.first().is_some_and(is_before) {
        words.remove(0);
    }
    words
}

fn is_loopback(word: &str) -> bool {
    let host = word.rsplit("://").next().unwrap_or(word);
    let host = host.rsplit('=').next().unwrap_or(host);
    host == "127.0.0.1"
        || host == "localhost"
        || host == "::1"
        || host.starts_with("127.0.0.1:")
        || host.starts_with("localhost:")
        || host.starts_with("[::1]")
}

fn everywhere(word: &str) -> String {
    for loopback in ["127.0.0.1", "localhost", "[::1]", "::1"] {
        if word.contains(loopback) {
            return word.replacen(loopback, "0.0.0.0", 1);
        }
    }
    word.to_owned()
}

/// The number at the end of `0.0.0.0:8000`, `--port=8000`, `8000`.
fn port_of(word: &str) -> Option<u16> {
    let digits: String =
        word.chars().rev().take_while(char::is_ascii_digit).collect::<Vec<_>>().into_iter().rev().collect();
    digits.parse().ok()
}

fn replace_last(text: &str, from: &str, to: &str) -> String {
    match text.rfind(from) {
        Some(at) => format!("{}{to}{}", &text[..at], &text[at + from.len()..]),
        None => text.to_owned(),
    }
}

fn changed_words(words: &[String], changes: &[Change]) -> Option<Vec<String>> {
    let mut words = words.to_vec();
    for change in changes {
        match change {
            Change::Replace { old, new } => {
                let at = words.iter().rposition(|word| word == old)?;
                words[at].clone_from(new);
            }
            Change::Append(more) => words.extend(more.iter().cloned()),
        }
    }
    Some(words)
}

fn changed_text(text: &str, changes: &[Change]) -> Option<String> {
    let mut text = text.trim_end().to_owned();
    for change in changes {
        match change {
            Change::Replace { old, new } => {
                let at = text.rfind(old.as_str())?;
                text = format!("{}{new}{}", &text[..at], &text[at + old.len()..]);
            }
            Change::Append(more) => {
                text.push(' ');
                text.push_str(&more.join(" "));
            }
        }
    }
    Some(text)
}

/// A word as a shell has to see it; `${PORT:-80}` stays readable to it.
pub fn quoted(word: &str) -> String {
    let plain = |each: char| each.is_ascii_alphanumeric() || "-_./:=@,+%".contains(each);
    let without = word.replace("${PORT:-", "").replace('}', "");
    if !word.is_empty() && (word.chars().all(plain) || word.contains("${PORT:-") && without.chars().all(plain)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The JSON form of an instruction's words.
pub fn json(words: &[String]) -> Option<String> {
    let words: Option<Vec<String>> = words.iter().map(|word| serde_json::to_string(word).ok()).collect();
    Some(format!("[{}]", words?.join(", ")))
}
