//! Address: a variable of the image that tells the service to listen on the loopback interface.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnosis::Case;
use crate::dockerfile::edit;
use crate::remedy::Edit;

/// An `ENV` whose value only the container itself can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// Index into the Dockerfile's instructions.
    pub instruction: usize,
    /// From 1.
    pub line: usize,
}

/// Read by the server itself, so that no source names them.
const OF_SERVERS: &[&str] = &[
    "UVICORN_HOST",
    "FLASK_RUN_HOST",
    "HYPERCORN_BIND",
    "NITRO_HOST",
    "ROCKET_ADDRESS",
    "STREAMLIT_SERVER_ADDRESS",
    "GRADIO_SERVER_NAME",
];

/// Read by the project: the usual names for the address to listen on.
const OF_PROJECTS: &[&str] = &[
    "HOST",
    "BIND",
    "BIND_HOST",
    "BIND_ADDR",
    "BIND_ADDRESS",
    "LISTEN",
    "LISTEN_HOST",
    "LISTEN_ADDR",
    "LISTEN_ADDRESS",
    "SERVER_HOST",
    "APP_HOST",
    "WEB_HOST",
    "HTTP_HOST",
    "ADDR",
];

const LOOPBACK: &[&str] = &["127.0.0.1", "localhost", "[::1]", "::1"];

/// The variable of the final stage that keeps the service to the loopback interface, when something reads it.
pub fn loopback(case: &Case<'_>) -> Option<Variable> {
    let stages = case.dockerfile.stages();
    let last = stages.last()?;
    let env = case.dockerfile.env_at(last.instructions.end);
    let mut instructions = case.dockerfile.instructions().iter().enumerate().rev();
    instructions.find_map(|(index, instruction)| {
        let pairs = if instruction.keyword == "ENV" { instruction.pairs() } else { vec![] };
        pairs.into_iter().find_map(|(name, value)| {
            let value = value?;
            let counts = env.get(&name) == Some(&value) && LOOPBACK.contains(&host_of(&value));
            let read =
                OF_SERVERS.contains(&name.as_str()) || OF_PROJECTS.contains(&name.as_str()) && is_read(case, &name);
            (counts && read).then_some(Variable { name, value, instruction: index, line: instruction.first_line })
        })
    })
}

/// How sources read a variable with a loopback address for its default: the name is the first group.
static DEFAULTED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r#"(?:ENV\.fetch\(|environ\.get\(|getenv\()["'](\w+)["'],\s*["'](?:127\.0\.0\.1|localhost)["']\)"#,
        r#"process\.env\.(\w+)\s*(?:\|\||\?\?)\s*["'`](?:127\.0\.0\.1|localhost)["'`]"#,
        r#"ENV\[["'](\w+)["']\]\s*\|\|\s*["'](?:127\.0\.0\.1|localhost)["']"#,
    ]
    .iter()
    .filter_map(|written| Regex::new(written).ok())
    .collect()
});

/// The usual variable that a source of the project reads for its address, where its default is the loopback one and the
/// image does not set it.
pub fn unset(case: &Case<'_>) -> Option<String> {
    let end = case.dockerfile.stages().last()?.instructions.end;
    let env = case.dockerfile.env_at(end);
    let sources = case.context.paths().filter(|path| {
        [".js", ".mjs", ".cjs", ".ts", ".py", ".rb"].iter().any(|extension| path.ends_with(extension))
            && !path.contains("node_modules/")
    });
    let texts = sources.take(400).filter_map(|path| case.workspace.text(&case.in_repository(path)));
    let mut names = texts
        .flat_map(|text| DEFAULTED.iter().flat_map(|shape| shape.captures_iter(text)).map(|found| found[1].to_owned()));
    names.find(|name| OF_PROJECTS.contains(&name.as_str()) && !env.contains_key(name))
}

/// The edit that sets `name` to every interface, before the instruction that says what is started.
pub fn set_everywhere(case: &Case<'_>, name: &str) -> Option<Edit> {
    let command = case.dockerfile.final_command();
    let index = [command.entrypoint, command.cmd].into_iter().flatten().min()?;
    let line = format!("ENV {name}=0.0.0.0");
    edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &[&line])
}

/// `127.0.0.1` of `127.0.0.1:8000`.
fn host_of(value: &str) -> &str {
    match value.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')) => host,
        _ => value,
    }
}

/// Whether a source or a start command of the project names the variable.
fn is_read(case: &Case<'_>, name: &str) -> bool {
    let is_source = |path: &str| {
        [".js", ".mjs", ".cjs", ".ts", ".py", ".go", ".rb", ".rs", ".java", ".kt", ".php", ".sh"]
            .iter()
            .any(|end| path.ends_with(end))
            && !path.contains("node_modules/")
    };
    let names = |text: &str| {
        text.match_indices(name).any(|(at, _)| {
            let ends = |each: Option<char>| each.is_none_or(|each| !each.is_ascii_alphanumeric() && each != '_');
            ends(text[..at].chars().next_back()) && ends(text[at + name.len()..].chars().next())
        })
    };
    let starts =
        case.dockerfile.instructions().iter().filter(|each| matches!(each.keyword.as_str(), "CMD" | "ENTRYPOINT"));
    starts.into_iter().any(|each| names(&each.args))
        || case.facts.docker_command.as_deref().is_some_and(names)
        || case
            .workspace
            .paths()
            .filter(|path| is_source(path))
            .take(400)
            .any(|path| case.workspace.text(path).is_some_and(names))
}

impl Variable {
    /// The edit that lets it say every interface; the port, if it names one, stays.
    pub fn everywhere(&self, case: &Case<'_>) -> Option<Edit> {
        let everywhere = self.value.replacen(host_of(&self.value), "0.0.0.0", 1);
        [('=', ""), ('=', "\""), ('=', "'"), (' ', "")].iter().find_map(|(joint, quote)| {
            let old = format!("{}{joint}{quote}{}", self.name, self.value);
            let new = format!("{}{joint}{quote}{everywhere}", self.name);
            edit::replace_in_instruction(
                case.workspace,
                case.dockerfile_path,
                case.dockerfile,
                self.instruction,
                &old,
                &new,
            )
        })
    }
}
