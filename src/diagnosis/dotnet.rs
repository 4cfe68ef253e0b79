//! .NET projects: which of them the Dockerfile publishes, and what the program is called that it makes.

use super::Case;
use super::node;
use super::phrase::Phrases;

static NAMED: Phrases = Phrases::new(&[r"<AssemblyName>\s*([\w.-]+)\s*</AssemblyName>"]);

/// The name, without ending, of the program that is published; `None` where several may be.
pub fn program(case: &Case<'_>) -> Option<String> {
    let is_test = |path: &str| path.to_ascii_lowercase().contains("test");
    let all: Vec<&str> = case
        .workspace
        .paths()
        .filter(|path| [".csproj", ".fsproj", ".vbproj"].iter().any(|end| path.ends_with(end)) && !is_test(path))
        .collect();
    let published: Vec<&str> = all.iter().copied().filter(|path| is_published(case, path)).collect();
    let web: Vec<&str> = all.iter().copied().filter(|path| is_web(case, path)).collect();
    let only = [&published, &all, &web].into_iter().find_map(|list| match list.as_slice() {
        [only] => Some(*only),
        _ => None,
    })?;
    let named = case
        .workspace
        .lines(only)
        .into_iter()
        .find_map(|line| NAMED.read(line).and_then(|found| found.names().next().map(str::to_owned)));
    let stem = only.rsplit('/').next()?.rsplit_once('.')?.0;
    Some(named.unwrap_or_else(|| stem.to_owned()))
}

/// Whether a `dotnet publish` names the project.
fn is_published(case: &Case<'_>, project: &str) -> bool {
    let name = project.rsplit('/').next().unwrap_or(project);
    let instructions = case.dockerfile.instructions();
    (0..instructions.len()).filter(|at| instructions[*at].keyword == "RUN").any(|at| {
        let script = node::script_of(case, at);
        node::commands(&script).iter().any(|command| command.starts_with("dotnet publish") && command.contains(name))
    })
}

fn is_web(case: &Case<'_>, project: &str) -> bool {
    case.workspace.text(project).is_some_and(|text| text.contains("Microsoft.NET.Sdk.Web"))
}
