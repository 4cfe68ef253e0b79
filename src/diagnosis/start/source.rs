//! Source: the call in the project's own code by which it listens, where that keeps the service to the loopback interface.
//!
//! Only the address is ever changed, and only where a single call of the project can be meant.

use crate::diagnosis::Case;
use crate::diagnosis::node;
use crate::diagnosis::phrase::Phrases;
use crate::remedy::Edit;

/// A line of code that decides the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// In the repository.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// The line as it should read.
    pub everywhere: String,
}

const SOURCES: &[&str] = &[".js", ".mjs", ".cjs", ".ts", ".mts", ".py", ".go", ".rb", ".rs"];
/// A repository of more sources is not read whole.
const FILES_MAX: usize = 1_000;

/// An address that is written: the whole call up to it, and it.
static WRITTEN: Phrases = Phrases::new(&[
    r#"(\.listen\([^"'`]*["'`])(127\.0\.0\.1|localhost|::1)(["'`])"#,
    r#"(\.listen\(.*\bhost(?:name)?:\s*["'`])(127\.0\.0\.1|localhost|::1)(["'`])"#,
    r#"(\bserve\(.*\bhostname:\s*["'`])(127\.0\.0\.1|localhost|::1)(["'`])"#,
    r#"((?:\.run|run_app|serve)\(.*\bhost\s*=\s*["'])(127\.0\.0\.1|localhost|::1)(["'])"#,
    r#"(Server\(\(\s*["'])(127\.0\.0\.1|localhost)(["'])"#,
    r#"(ListenAndServe\(\s*")(127\.0\.0\.1|localhost)(:)"#,
    r#"((?:TcpListener::bind|\.bind)\(\s*")(127\.0\.0\.1|localhost)(:)"#,
]);
/// Servers whose default is the loopback interface: what stands up to where the address belongs, and what follows.
static FASTIFY: Phrases = Phrases::new(&[r"^(.*\.listen\(\{\s*)(.+\}.*)$"]);
static FLASK: Phrases = Phrases::new(&[r"^(\s*(?:app|application|server)\.run\()(.*\).*)$"]);
static UVICORN: Phrases = Phrases::new(&[r"^(\s*uvicorn\.run\(.+)(\)\s*)$"]);

/// The only call of the project that keeps it to the loopback interface.
pub fn loopback(case: &Case<'_>) -> Option<Call> {
    let is_source = |path: &&str| {
        SOURCES.iter().any(|end| path.ends_with(end)) && !path.contains("node_modules/") && !path.contains("test")
    };
    let fastify = node::package(case, None).is_some_and(|package| package.requirement("fastify").is_some());
    let mut found = Vec::new();
    for path in case.context.paths().filter(is_source).take(FILES_MAX) {
        let path = case.in_repository(path);
        let text = case.workspace.text(&path).unwrap_or_default();
        let flask = path.ends_with(".py") && (text.contains("import Flask") || text.contains("import flask"));
        for (index, line) in case.workspace.lines(&path).into_iter().enumerate() {
            let everywhere = written(line)
                .or_else(|| by_default(line, &FASTIFY, "host: \"0.0.0.0\", ").filter(|_| fastify))
                .or_else(|| by_default(line, &FLASK, "host=\"0.0.0.0\", ").filter(|_| flask))
                .or_else(|| by_default(line, &UVICORN, ", host=\"0.0.0.0\""));
            found.extend(everywhere.map(|everywhere| Call { path: path.clone(), line: index + 1, everywhere }));
        }
    }
    match found.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}

fn written(line: &str) -> Option<String> {
    let names: Vec<&str> = WRITTEN.read(line)?.names().collect();
    let [before, address, after] = names[..] else { return None };
    Some(line.replacen(&format!("{before}{address}{after}"), &format!("{before}0.0.0.0{after}"), 1))
}

/// The call with an address where it has none.
fn by_default(line: &str, call: &Phrases, address: &str) -> Option<String> {
    let names: Vec<&str> = call.read(line)?.names().collect();
    let [before, after] = names[..] else { return None };
    let has_address = line.contains("host") || line.trim_start().starts_with(['#', '/']);
    let address = if after.starts_with(')') { address.trim_end_matches([',', ' ']) } else { address };
    let address =
        if after.trim() == ")" && !before.ends_with('(') { address_of_end(address) } else { address.to_owned() };
    (!has_address).then(|| format!("{before}{address}{after}"))
}

/// At the end of a call it comes with the comma in front of it.
fn address_of_end(address: &str) -> String {
    format!(", {}", address.trim_matches([',', ' ']))
}

impl Call {
    pub fn edit(&self, case: &Case<'_>) -> Option<Edit> {
        Edit::replace(case.workspace, &self.path, self.line, self.line, &[&self.everywhere])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_of_a_call_changes() {
        let check = |line: &str, expected: &str| {
            let found = written(line)
                .or_else(|| by_default(line, &FASTIFY, "host: \"0.0.0.0\", "))
                .or_else(|| by_default(line, &FLASK, "host=\"0.0.0.0\", "))
                .or_else(|| by_default(line, &UVICORN, ", host=\"0.0.0.0\""));
            assert_eq!(found.as_deref(), Some(expected));
        };
        check("app.listen(PORT, 'localhost', () => {", "app.listen(PORT, '0.0.0.0', () => {");
        check("    await app.listen({ port: PORT });", "    await app.listen({ host: \"0.0.0.0\", port: PORT });");
        check("    app.run()", "    app.run(host=\"0.0.0.0\")");
        check("    app.run(debug=True, port=5000)", "    app.run(host=\"0.0.0.0\", debug=True, port=5000)");
        check("    uvicorn.run(app, port=port)", "    uvicorn.run(app, port=port, host=\"0.0.0.0\")");
        check(
            "uvicorn.run(\"m:app\", host=\"127.0.0.1\", port=80)",
            "uvicorn.run(\"m:app\", host=\"0.0.0.0\", port=80)",
        );
        check("\thttp.ListenAndServe(\"localhost:8080\", nil)", "\thttp.ListenAndServe(\"0.0.0.0:8080\", nil)");
        check("HTTPServer((\"127.0.0.1\", port), Handler)", "HTTPServer((\"0.0.0.0\", port), Handler)");
        assert_eq!(written("app.listen(PORT, '0.0.0.0')"), None);
    }
}
