//! A Python source, parsed: what it imports and which names its module has.
//!
//! Read from the syntax tree, never from strings or comments. The grammar takes Python 2 as well, and goes on after what it
//! cannot read.

use tree_sitter::{Node, Parser};

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// As written, without the names taken from it: `a.b` for `from a.b import c`.
    pub module: String,
    /// From 1.
    pub line: usize,
    /// Inside a function, a `try` or an `if`: it may never run, or its failure be caught.
    pub nested: bool,
}

/// A name that a module gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub name: String,
    /// What is assigned, as written; nothing for imports and definitions.
    pub value: String,
    /// In a branch or a function: the name may never be bound.
    pub nested: bool,
}

/// The absolute imports of a source.
pub fn imports(source: &str) -> Vec<Import> {
    let mut out = Vec::new();
    statements(source, true, |node, nested| {
        let line = node.start_position().row + 1;
        let modules: Vec<&str> = match node.kind() {
            "import_statement" => children(node, "name").map(|name| module_of(name, source)).collect(),
            "import_from_statement" => {
                let from = node.child_by_field_name("module_name").filter(|from| from.kind() == "dotted_name");
                from.map(|from| text(from, source)).into_iter().collect()
            }
            _ => return,
        };
        out.extend(modules.into_iter().map(|module| Import { module: module.to_owned(), line, nested }));
    });
    out
}

/// The names bound at a source's top level, and those that branches may bind there.
pub fn bindings(source: &str) -> Vec<Binding> {
    let mut out = Vec::new();
    statements(source, false, |node, nested| {
        let mut bind = |name: &str, value: &str| {
            out.push(Binding { name: name.to_owned(), value: value.to_owned(), nested });
        };
        match node.kind() {
            "import_statement" => children(node, "name").for_each(|name| match name.child_by_field_name("alias") {
                Some(alias) => bind(text(alias, source), ""),
                None => bind(text(name, source).split('.').next().unwrap_or_default(), ""),
            }),
            "import_from_statement" => children(node, "name")
                .for_each(|name| bind(text(name.child_by_field_name("alias").unwrap_or(name), source), "")),
            "function_definition" | "class_definition" => {
                node.child_by_field_name("name").into_iter().for_each(|name| bind(text(name, source), ""));
            }
            "assignment" => assigned(node, source, &mut bind),
            _ => {}
        }
    });
    out
}

/// `a = b: int = value` binds `a` and `b`; a bare annotation binds nothing.
fn assigned(node: Node<'_>, source: &str, bind: &mut impl FnMut(&str, &str)) {
    let mut targets = Vec::new();
    let mut value = Some(node);
    while let Some(assignment) = value.filter(|value| value.kind() == "assignment") {
        targets.extend(assignment.child_by_field_name("left"));
        value = assignment.child_by_field_name("right");
    }
    let Some(value) = value else { return };
    while let Some(target) = targets.pop() {
        match target.kind() {
            "identifier" => bind(text(target, source), text(value, source)),
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                targets.extend((0..target.named_child_count()).filter_map(|at| target.named_child(at as u32)));
            }
            _ => {}
        }
    }
}

/// Visits the statements in the order of the source, each with whether it is nested; function bodies only if `functions`.
fn statements(source: &str, functions: bool, mut visit: impl FnMut(Node<'_>, bool)) {
    let mut parser = Parser::new();
    if parser.set_language(&tree_sitter_python::LANGUAGE.into()).is_err() {
        return;
    }
    let Some(tree) = parser.parse(source, None) else { return };
    // A list, no recursion: the depth of a foreign file is no matter of our stack.
    let mut open = vec![(tree.root_node(), false)];
    while let Some((node, nested)) = open.pop() {
        visit(node, nested);
        let inner = match node.kind() {
            "module" | "expression_statement" | "decorated_definition" => nested,
            "function_definition" | "class_definition" if !functions => continue,
            kind if kind.ends_with("_statement") || kind.ends_with("_definition") || kind.ends_with("_clause") => true,
            "block" | "ERROR" => true,
            _ => continue,
        };
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        open.extend(children.into_iter().rev().map(|child| (child, inner)));
    }
}

fn children<'t>(node: Node<'t>, field: &str) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).collect::<Vec<_>>().into_iter()
}

fn module_of<'s>(name: Node<'_>, source: &'s str) -> &'s str {
    text(name.child_by_field_name("name").unwrap_or(name), source)
}

fn text<'s>(node: Node<'_>, source: &'s str) -> &'s str {
    source.get(node.byte_range()).unwrap_or_default()
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
        assert_eq!(modules("s = r'\\'\nimport a\nt = 'it\\'s'\nimport b"), ["b"], "the raw string ends in line 3");
        assert_eq!(modules("import a\nprint 'python 2'\nexec 'b' in c\nimport d\n"), ["a", "d"]);
        assert_eq!(modules("import a\nx = = 1\n\nimport b\n"), ["a", "b"], "after an error it goes on");
        assert_eq!(modules("def f():\n  with x:\n    import a\nclass B:\n  import c\n"), ["a", "c"]);
        let guarded = imports("try:\n    import a\nexcept ImportError:\n    import c\nimport b\n");
        assert_eq!(
            guarded.iter().map(|import| (import.line, import.nested)).collect::<Vec<_>>(),
            [(2, true), (4, true), (5, false)]
        );
    }

    #[test]
    fn names_of_a_module_are_those_bound_at_its_top() {
        let source = "from x import a as b, c\nimport d.e\napp = F()\n@g\ndef create_app():\n    inner = 1\napi: X = Y()\nif x == 1: pass\nh, (i, j) = k = z\nm: int\n";
        let top = bindings(source);
        let names: Vec<_> = top.iter().map(|binding| binding.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "d", "app", "create_app", "api", "k", "j", "i", "h"]);
        assert_eq!(top[3].value, "F()");
        let maybe = bindings("try:\n    app = A()\nexcept E:\n    app = None\n");
        assert_eq!(maybe.iter().map(|binding| (binding.name.as_str(), binding.nested)).next(), Some(("app", true)));
    }
}
