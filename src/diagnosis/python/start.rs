//! How the image starts a Python service: the server, and the `module:attribute` it is given.

use super::source::bindings;
use crate::diagnosis::Case;
use crate::workspace::path;

/// Servers that are given `module:attribute`.
const SERVERS: &[&str] = &["gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress-serve"];

/// The application as the start command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPath {
    /// The CMD or ENTRYPOINT.
    pub index: usize,
    pub server: String,
    /// As written: `app.main:app`, `tickets:create_app()`.
    pub written: String,
    pub module: String,
    /// Empty when the server's default is meant.
    pub attribute: String,
    /// Where modules are looked for, absolute.
    pub folder: String,
}

/// The instructions that the built image runs, ENTRYPOINT first.
pub fn commands(case: &Case<'_>) -> Vec<usize> {
    let command = case.command();
    command.entrypoint.into_iter().chain(command.cmd).collect()
}

/// The words of the start command: of exec form, shell form, and of `sh -c "…"`.
pub fn words(case: &Case<'_>, index: usize) -> Vec<String> {
    let instruction = &case.dockerfile.instructions()[index];
    let mut words =
        instruction.exec().unwrap_or_else(|| super::commands(&instruction.args).into_iter().flatten().collect());
    if let [shell, option, script, ..] = words.as_slice()
        && shell.ends_with("sh")
        && option.starts_with('-')
        && option.ends_with('c')
    {
        words = super::commands(script).into_iter().flatten().collect();
    }
    words
}

/// The application path in the start command.
pub fn app_path(case: &Case<'_>) -> Option<AppPath> {
    for index in commands(case) {
        let words = words(case, index);
        let Some(at) = words.iter().position(|word| SERVERS.contains(&word.rsplit('/').next().unwrap_or(word))) else {
            continue;
        };
        let server = words[at].rsplit('/').next().unwrap_or(&words[at]).to_owned();
        let mut folder = case.dockerfile.workdir_at(index);
        let mut found = None;
        let mut rest = words[at + 1..].iter().peekable();
        while let Some(word) = rest.next() {
            let (option, value) =
                word.split_once('=').map_or((word.as_str(), None), |(option, value)| (option, Some(value.to_owned())));
            if matches!(option, "--chdir" | "--app-dir") {
                let value = value.or_else(|| rest.next().cloned()).unwrap_or_default();
                folder = path::rooted(&folder, &value);
            } else if word.starts_with('-') {
                if value.is_none() && rest.peek().is_some_and(|next| !next.starts_with('-') && !is_path(next)) {
                    rest.next();
                }
            } else if is_path(word) {
                found = Some(word.clone());
            }
        }
        if let Some(written) = found {
            let (module, attribute) = written.split_once(':').unwrap_or((&written, ""));
            let attribute = attribute.split('(').next().unwrap_or_default().to_owned();
            return Some(AppPath { index, server, module: module.to_owned(), attribute, folder, written });
        }
    }
    None
}

fn is_path(word: &str) -> bool {
    let Some((module, attribute)) = word.split_once(':') else { return false };
    let name = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    name(module)
        && module.parse::<f64>().is_err()
        && name(attribute.split('(').next().unwrap_or_default())
        && attribute.parse::<u32>().is_err()
}

/// A source that holds an application object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// In the repository.
    pub path: String,
    /// As the server would have to name it.
    pub module: String,
    pub attribute: String,
}

/// Calls whose result is an application.
const MAKERS: &[&str] = &[
    "FastAPI(",
    "Flask(",
    "Starlette(",
    "Quart(",
    "Sanic(",
    "get_wsgi_application(",
    "get_asgi_application(",
    "create_app(",
    "Litestar(",
    "Falcon(",
    "falcon.App(",
    "falcon.asgi.App(",
    "socketio.ASGIApp(",
    "Bottle(",
    "connexion.App(",
    "connexion.FlaskApp(",
];

/// The applications in the project's sources that the image holds, named as seen from `folder`.
pub fn candidates(case: &Case<'_>, index: usize, folder: &str) -> Vec<Candidate> {
    let mut out = Vec::new();
    for (image, path) in in_image(case, index) {
        let skipped = path.split('/').any(|part| matches!(part, "tests" | "test" | "venv" | ".venv" | "site-packages"));
        let Some(inside) = image.strip_prefix(folder.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        let Some(module) = inside.strip_suffix(".py").filter(|_| !skipped) else { continue };
        let module = module.strip_suffix("/__init__").unwrap_or(module).replace('/', ".");
        let Some(source) = case.workspace.text(&path) else { continue };
        let made = |value: &str| {
            let value = value.trim_start_matches("flask.").trim_start_matches("fastapi.");
            MAKERS.iter().any(|maker| value.starts_with(maker))
        };
        for bound in bindings(source).into_iter().filter(|bound| !bound.nested && made(&bound.value)) {
            out.push(Candidate { path: path.clone(), module: module.clone(), attribute: bound.name });
        }
    }
    out.dedup();
    out
}

/// Sources in the image when instruction `index` is reached: path there, path in the repository.
pub fn in_image(case: &Case<'_>, index: usize) -> Vec<(String, String)> {
    let instructions = case.dockerfile.instructions();
    let stages = case.dockerfile.stages();
    let Some(mut stage) = case.dockerfile.stage_of(index).and_then(|at| stages.get(at)) else { return vec![] };
    let mut order: Vec<usize> = (stage.instructions.start..index).collect();
    while let crate::dockerfile::StageBase::Stage(earlier) = stage.base {
        stage = &stages[earlier];
        order.splice(0..0, stage.instructions.clone());
    }
    let mut out = Vec::new();
    for at in order {
        let Some((sources, destination)) =
            instructions[at].copy_paths().filter(|_| instructions[at].flag("from").is_none())
        else {
            continue;
        };
        let workdir = case.dockerfile.workdir_at(at);
        let destination = case.dockerfile.expand(at, &destination, &Default::default());
        let target = path::rooted(&workdir, &destination);
        let folder = destination.ends_with('/')
            || destination == "."
            || destination.ends_with("/.")
            || sources.len() > 1
            || target == workdir;
        for source in &sources {
            let source = path::plain(&case.dockerfile.expand(at, source, &Default::default()));
            let source = source.as_str();
            for path in case.context.matches(source) {
                let rest = path.strip_prefix(source).unwrap_or("").trim_start_matches('/');
                let name = path.rsplit('/').next().unwrap_or(&path);
                let image = match rest {
                    "" if folder => format!("{target}/{name}"),
                    "" => target.clone(),
                    rest => format!("{target}/{rest}"),
                };
                out.push((path::rooted("/", &image), case.in_repository(&path)));
            }
        }
    }
    out
}

/// The source of `module` as seen from `folder`, in the repository.
pub fn source_of(case: &Case<'_>, index: usize, folder: &str, module: &str) -> Option<String> {
    let stem = format!("{}/{}", folder.trim_end_matches('/'), module.replace('.', "/"));
    let wanted = [format!("{stem}.py"), format!("{stem}/__init__.py")];
    in_image(case, index).into_iter().find(|(image, _)| wanted.contains(image)).map(|(_, path)| path)
}

/// Whether the source at `path` binds `attribute` at its top level, or may do so in ways that cannot be read.
pub fn may_have(case: &Case<'_>, path: &str, attribute: &str) -> bool {
    let Some(source) = case.workspace.text(path) else { return true };
    source.contains("import *")
        || source.contains("globals()")
        || source.contains("__getattr__")
        || source.contains(&format!("global {attribute}"))
        || bindings(source).iter().any(|bound| bound.name == attribute)
}
