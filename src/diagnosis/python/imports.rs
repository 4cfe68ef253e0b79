//! What Python sources import: read from import statements, never from strings or comments.

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As written, without the names taken from it: `a.b` for `from a.b import c`.
    pub module: String,
    /// What `from … import` takes.
    pub names: Vec<String>,
    /// From 1.
    pub line: usize,
    /// Inside a function, a `try` or an `if`: it may never run, or its failure be caught.
    pub indented: bool,
}

impl Import {
    /// The first part of the module's name.
    pub fn top(&self) -> &str {
        self.module.split('.').next().unwrap_or_default()
    }
}

/// The absolute imports of a source text.
pub fn imports(source: &str) -> Vec<Import> {
    let mut out = Vec::new();
    for statement in statements(source) {
        let text = statement.text.trim();
        if let Some(rest) = text.strip_prefix("import ") {
            for part in rest.split(',') {
                let module = part.split_whitespace().next().unwrap_or_default();
                push(&mut out, module, vec![], &statement);
            }
        } else if let Some(rest) = text.strip_prefix("from ")
            && let Some((module, names)) = rest.split_once(" import")
        {
            let names = names.trim_matches(['(', ')', ' ']).split(',');
            let names = names.filter_map(|name| name.split_whitespace().next()).map(str::to_owned).collect();
            push(&mut out, module.trim(), names, &statement);
        }
    }
    out
}

fn push(out: &mut Vec<Import>, module: &str, names: Vec<String>, statement: &Statement) {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.chars().all(|each| each.is_alphanumeric() || each == '_')
            && !part.starts_with(char::is_numeric)
    };
    if module.split('.').all(is_name) {
        out.push(Import { module: module.to_owned(), names, line: statement.line, indented: statement.indented });
    }
}

/// Names bound at the top level of a source by assignment, `def`, `class` or import.
pub fn top_level_names(source: &str) -> Vec<String> {
    let mut out = Vec::new();
    for statement in statements(source).into_iter().filter(|statement| !statement.indented) {
        let text = statement.text.trim();
        let word =
            |text: &str| text.chars().take_while(|each| each.is_alphanumeric() || *each == '_').collect::<String>();
        let defined = ["def ", "async def ", "class "].iter().find_map(|start| text.strip_prefix(start));
        if let Some(rest) = defined {
            out.push(word(rest.trim_start()));
        } else if let Some(rest) = text.strip_prefix("from ").and_then(|rest| rest.split_once(" import")) {
            for part in rest.1.trim_matches(['(', ')', ' ']).split(',') {
                out.extend(part.split_whitespace().last().map(str::to_owned));
            }
        } else if let Some(rest) = text.strip_prefix("import ") {
            for part in rest.split(',') {
                out.extend(
                    part.split_whitespace().last().map(|name| name.split('.').next().unwrap_or(name).to_owned()),
                );
            }
        } else {
            let name = word(text);
            let rest = text[name.len()..].trim_start();
            let assigns = rest.starts_with('=') && !rest.starts_with("==");
            let annotated = rest.starts_with(':') && rest.contains('=');
            if !name.is_empty() && (assigns || annotated) {
                out.push(name);
            }
        }
    }
    out
}

/// A logical line: brackets and backslashes joined, strings emptied, comments gone.
pub struct Statement {
    pub text: String,
    pub line: usize,
    pub indented: bool,
}

/// The statements of a source text. Strings are left as `''`.
pub fn statements(source: &str) -> Vec<Statement> {
    let mut reader = Reader { rest: source, line: 1, out: Vec::new(), text: String::new(), started: 1, depth: 0 };
    while reader.step() {}
    reader.finish();
    reader.out
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    out: Vec<Statement>,
    text: String,
    started: usize,
    depth: usize,
}

impl Reader<'_> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        if let Some(quote) = ["\"\"\"", "'''", "\"", "'"].iter().find(|quote| self.rest.starts_with(**quote)) {
            self.string(quote);
            return true;
        }
        self.rest = &self.rest[first.len_utf8()..];
        match first {
            '#' => self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..],
            '\\' if self.rest.starts_with('\n') || self.rest.starts_with("\r\n") => {
                self.rest = &self.rest[self.rest.find('\n').map_or(0, |at| at + 1)..];
                self.line += 1;
                self.text.push(' ');
            }
            '\n' => {
                self.line += 1;
                if self.depth == 0 {
                    self.finish();
                } else {
                    self.text.push(' ');
                }
            }
            ';' if self.depth == 0 => {
                let indented = self.text.starts_with([' ', '\t']);
                self.finish();
                if indented {
                    self.text.push(' ');
                }
            }
            _ => {
                match first {
                    '(' | '[' | '{' => self.depth += 1,
                    ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                self.text.push(if first == '\t' { ' ' } else { first });
            }
        }
        true
    }

    fn string(&mut self, quote: &str) {
        let raw = self.text.ends_with(['r', 'R']);
        let body = &self.rest[quote.len()..];
        let mut at = 0;
        while at < body.len() {
            let here = &body[at..];
            if here.starts_with(quote) || (quote.len() == 1 && here.starts_with('\n')) {
                break;
            }
            let skip =
                if here.starts_with('\\') && !(raw && quote.len() == 1 && here[1..].starts_with('\n')) { 2 } else { 1 };
            at += here.chars().take(skip).map(char::len_utf8).sum::<usize>();
        }
        let at = at.min(body.len());
        self.line += body[..at].matches('\n').count();
        self.rest = body[at..].strip_prefix(quote).unwrap_or(&body[at..]);
        self.text.push_str("''");
    }

    fn finish(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            let indented = text.starts_with(' ');
            self.out.push(Statement { text: text.trim_end().to_owned(), line: self.started, indented });
        }
        self.started = self.line;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(source: &str) -> Vec<String> {
        imports(source).into_iter().map(|import| import.module).collect()
    }

    #[test]
    fn imports_are_found_in_statements_only() {
        assert_eq!(
            modules("import os, numpy as np\nfrom a.b import (\n  c,  # import x\n  d,\n)\n"),
            ["os", "numpy", "a.b"]
        );
        assert_eq!(modules("'''\nimport no\n'''\nx = \"import no\"  # import no\nimport yes\n"), ["yes"]);
        assert_eq!(modules("from . import x\nfrom .y import z\nfrom w import *\n"), ["w"]);
        assert_eq!(modules("x = 1; import a\nimport b \\\n  as c\n"), ["a", "b"]);
        assert_eq!(modules("s = r'\\'\nimport a\nt = 'it\\'s'\nimport b"), ["a", "b"]);
        let guarded = imports("try:\n    import a\nexcept ImportError:\n    a = None\nimport b\n");
        assert_eq!(
            guarded.iter().map(|import| (import.line, import.indented)).collect::<Vec<_>>(),
            [(2, true), (5, false)]
        );
    }

    #[test]
    fn names_of_a_module_are_those_bound_at_its_top() {
        let source = "from x import a as b, c\nimport d.e\napp = F()\ndef create_app():\n    inner = 1\napi: X = Y()\nif x == 1: pass\n";
        assert_eq!(top_level_names(source), ["b", "c", "d", "app", "create_app", "api"]);
    }
}
