//! The build context: which files of the repository a `docker build` can see.

use std::collections::{BTreeMap, BTreeSet};

use crate::remedy::{Edit, apply};
use crate::workspace::Workspace;

mod ignore;
mod pattern;

use crate::workspace::path::plain;
use ignore::{Cache, Ignore};
use pattern::Pattern;

/// The most letters two names may differ in to count as a slip of the hand.
const SLIP_MAX: usize = 2;

/// What is sent to the builder, and what an ignore file keeps back. Paths are relative to the context's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    folder: String,
    dockerfile: String,
    ignore_file: Option<String>,
    ignore: Ignore,
    held: BTreeSet<String>,
    /// With the rule that leaves them out.
    left_out: BTreeMap<String, usize>,
}

impl Context {
    /// The context in `folder`, for the Dockerfile at `dockerfile_path`; both relative to the repository.
    ///
    /// `NAME.dockerignore` beside a Dockerfile called `NAME` wins over the `.dockerignore` of the folder.
    pub fn of(workspace: &Workspace, folder: &str, dockerfile_path: &str) -> Self {
        let (folder, dockerfile) = (plain(folder), plain(dockerfile_path));
        let candidates = [format!("{dockerfile}.dockerignore"), within(&folder, ".dockerignore")];
        let ignore_file = candidates.into_iter().find(|path| workspace.text(path).is_some());
        let text = ignore_file.as_deref().and_then(|path| workspace.text(path)).unwrap_or_default();
        let ignore = Ignore::parse(text);
        let mut cache = Cache::new();
        let (mut held, mut left_out) = (BTreeSet::new(), BTreeMap::new());
        for path in workspace.under(&folder) {
            let path = if folder.is_empty() { path } else { &path[folder.len() + 1..] };
            match ignore.rule_against(path, &mut cache) {
                Some(rule) => {
                    left_out.insert(path.to_owned(), rule);
                }
                None => {
                    held.insert(path.to_owned());
                }
            }
        }
        Self { folder, dockerfile, ignore_file, ignore, held, left_out }
    }

    /// Whether a file, or a folder with at least one file, arrives at the builder. The context itself always does.
    pub fn holds(&self, path: &str) -> bool {
        let path = plain(path);
        path.is_empty() || self.held.contains(&path) || below(&self.held, &path).next().is_some()
    }

    /// The files that arrive, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(String::as_str)
    }

    /// Which line (from 1) of the ignore file leaves `path` out, and what it reads. `path` need not exist.
    pub fn ignored_by(&self, path: &str) -> Option<(usize, String)> {
        let path = plain(path);
        if path.is_empty() {
            return None;
        }
        let rule = self.ignore.rules.get(self.ignore.rule_against(&path, &mut Cache::new())?)?;
        Some((rule.line, rule.written.clone()))
    }

    /// The ignore file in force, relative to the repository.
    pub fn ignore_file(&self) -> Option<&str> {
        self.ignore_file.as_deref()
    }

    /// Lines of the ignore file that Docker cannot read; with one of them no build starts.
    pub fn unreadable_lines(&self) -> &[(usize, String)] {
        &self.ignore.unreadable
    }

    /// The files a COPY of `source` would bring: a file, all of a folder, or all that fits Go's wildcards.
    ///
    /// Variables must have been expanded. A source cannot leave the context: `../x` means `x`.
    pub fn matches(&self, source: &str) -> Vec<String> {
        let source = plain(source);
        if source.is_empty() {
            return self.held.iter().cloned().collect();
        }
        if !source.contains(['*', '?', '[']) {
            let file = self.held.get(&source);
            return file.into_iter().chain(below(&self.held, &source)).cloned().collect();
        }
        let Ok(pattern) = Pattern::copying(&source) else { return Vec::new() };
        let is_meant = |path: &&String| heads(path).any(|head| pattern.fits(head));
        self.held.iter().filter(is_meant).cloned().collect()
    }

    /// What was probably meant by a `path` that does not arrive: the same in other letter case, the same name in
    /// another folder if there is only one, or a name in the same folder that differs by a slip.
    pub fn similar(&self, path: &str) -> Option<String> {
        let path = plain(path);
        if path.is_empty() || self.holds(&path) {
            return None;
        }
        let folders: BTreeSet<&str> =
            self.held.iter().flat_map(|held| heads(held).filter(move |head| head != held)).collect();
        let everything: Vec<&str> = self.held.iter().map(String::as_str).chain(folders).collect();
        let only = |mut found: Vec<&str>| (found.len() == 1).then(|| found.pop()).flatten().map(str::to_owned);
        let in_other_case = everything.iter().filter(|each| each.to_lowercase() == path.to_lowercase());
        let same_name = everything.iter().filter(|each| split(each).1 == split(&path).1);
        only(in_other_case.copied().collect())
            .or_else(|| only(same_name.copied().collect()))
            .or_else(|| only(slips(&everything, &path)))
    }

    /// The smallest edit of the ignore file that lets `path` arrive, and nothing else.
    ///
    /// The line that names just this path goes; any other stays and an exception follows it. The result has been
    /// computed anew: `None` when no such edit brings back exactly what is at `path`.
    pub fn without_ignore_line(&self, workspace: &Workspace, path: &str) -> Option<Edit> {
        let path = plain(path);
        let ignore_file = self.ignore_file()?;
        let wanted: BTreeSet<&String> =
            self.left_out.keys().filter(|each| **each == path || is_below(each, &path)).collect();
        let mut against = wanted.iter().filter_map(|each| self.left_out.get(*each)).copied();
        let first = against.clone().min()?;
        let is_only_one = against.all(|rule| rule == first);
        let brings_back = |edit: &Edit| {
            let Ok(after) = apply(std::slice::from_ref(edit), workspace) else { return false };
            let after = Self::of(&after, &self.folder, &self.dockerfile);
            self.held.is_subset(&after.held) && after.held.difference(&self.held).eq(wanted.iter().copied())
        };
        let rule = &self.ignore.rules[first];
        let deletion = || Edit::delete(workspace, ignore_file, rule.line, rule.line);
        if is_only_one
            && rule.pattern.is_literal()
            && let Some(edit) = deletion().filter(brings_back)
        {
            return Some(edit);
        }
        let exception = format!("!{}", escaped(&path));
        // A later line may leave the path out once more; the exception then has to come after that one.
        self.ignore.rules[first..]
            .iter()
            .find_map(|rule| Edit::insert_after(workspace, ignore_file, rule.line, &[&exception]).filter(brings_back))
    }
}

fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn below<'a>(paths: &'a BTreeSet<String>, folder: &str) -> impl Iterator<Item = &'a String> + use<'a> {
    let prefix = format!("{folder}/");
    paths.range(prefix.clone()..).take_while(move |path| path.starts_with(&prefix))
}

/// `a`, `a/b`, `a/b/c` of `a/b/c`.
fn heads(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(slash, _)| &path[..slash]).chain([path])
}

/// Folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn escaped(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The names in the folder of `path` that are closest to it, if close enough.
fn slips<'a>(everything: &[&'a str], path: &str) -> Vec<&'a str> {
    let (folder, name) = split(path);
    let most = SLIP_MAX.min(name.chars().count() / 3);
    let distances = everything.iter().filter_map(|each| {
        let (other_folder, other) = split(each);
        let distance = if other_folder == folder { distance(name, other) } else { return None };
        (distance <= most).then_some((distance, *each))
    });
    let close: Vec<(usize, &str)> = distances.collect();
    let least = close.iter().map(|(distance, _)| *distance).min().unwrap_or_default();
    close.into_iter().filter(|(distance, _)| *distance == least).map(|(_, each)| each).collect()
}

/// How many letters must be put in, taken out or exchanged.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, character) in one.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (at, second) in other.iter().enumerate() {
            let exchanged = diagonal + usize::from(character != *second);
            diagonal = row[at + 1];
            row[at + 1] = exchanged.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(ignore: &str, paths: &[&str]) -> Workspace {
        let mut files: Vec<(&str, &str)> = paths.iter().map(|path| (*path, "x")).collect();
        files.push((".dockerignore", ignore));
        Workspace::of(&files)
    }

    fn check(ignore: &str, paths: &[&str], held: &[&str]) {
        let context = Context::of(&workspace(ignore, paths), "", "Dockerfile");
        let found: Vec<&str> = context.paths().filter(|path| *path != ".dockerignore").collect();
        assert_eq!(found, held, "{ignore}");
    }

    #[test]
    fn the_ignore_file_decides_as_docker_does() {
        check("", &["a", "b/c"], &["a", "b/c"]);
        check("# b\n\n /b/ \n", &["a", "b/c", "d/b"], &["a", "d/b"]);
        check(" #b\n", &["#b", "b"], &["b"]);
        check("*\n!a\n!b/c\n", &["a", "b/c", "b/d", "e"], &["a", "b/c"]);
        check("b\n!b/keep\n", &["b/keep/x", "b/y"], &["b/keep/x"]);
        check("!a\na\n", &["a"], &[]);
        check("*.md\n!README*.md\nREADME-secret.md\n", &["README.md", "README-secret.md", "x.md"], &["README.md"]);
        check(
            "*.md\nREADME-secret.md\n!README*.md\n",
            &["README.md", "README-secret.md"],
            &["README-secret.md", "README.md"],
        );
        check("**/node_modules\n", &["a/node_modules/x", "node_modules/y", "z"], &["z"]);
        check("node_modules\n", &["a/node_modules/x", "node_modules/y"], &["a/node_modules/x"]);
        check("./a\nx/../b\n", &["a", "b", "c"], &["c"]);
        check("! a\n", &["a"], &["a"]);
        check("**\n!**/*.py\n", &["a/b.py", "a/c"], &["a/b.py"]);
        check("dist/**\n", &["dist/a", "dist"], &["dist"]);
        check(".\n/\n", &["a"], &["a"]);
        check("a/*.md\n!a\n", &["a/x.md"], &[]);
        check("\u{feff}a\r\nb\r\n", &["a", "b", "c"], &["c"]);
    }

    #[test]
    fn the_ignore_file_beside_the_dockerfile_wins() {
        let workspace = Workspace::of(&[
            (".dockerignore", "a"),
            ("app/.dockerignore", "b"),
            ("docker/web.Dockerfile.dockerignore", "c"),
            ("app/a", ""),
            ("app/b", ""),
            ("app/c", ""),
        ]);
        let held = |folder: &str, dockerfile: &str| {
            let context = Context::of(&workspace, folder, dockerfile);
            let names = context.paths().filter(|path| path.len() == 1).collect::<Vec<_>>().join(" ");
            (context.ignore_file().map(str::to_owned), names)
        };
        assert_eq!(held("./app/", "./app/Dockerfile"), (Some("app/.dockerignore".into()), "a c".into()));
        let beside = Some("docker/web.Dockerfile.dockerignore".to_owned());
        assert_eq!(held("app", "docker/web.Dockerfile"), (beside, "a b".into()));
        assert_eq!(Context::of(&workspace, "docker", "docker/Dockerfile").ignore_file(), None);
    }

    #[test]
    fn the_line_that_leaves_a_path_out_is_known() {
        let context = Context::of(&workspace("# x\n*.lock\n!yarn.lock\n[\n!\n", &["a.lock"]), "", "Dockerfile");
        assert_eq!(context.ignored_by("./a.lock"), Some((2, "*.lock".into())));
        assert_eq!((context.ignored_by("yarn.lock"), context.ignored_by("b")), (None, None));
        assert_eq!(context.unreadable_lines(), [(4, "[".into()), (5, "!".into())]);
        assert!(!context.holds("a.lock") && context.holds(".") && context.holds("/.dockerignore"));
    }

    #[test]
    fn a_source_of_copy_means_files() {
        let paths = ["app/main.py", "app/sub/x.py", "package.json", "package-lock.json", "apple"];
        let context = Context::of(&workspace("", &paths), "", "Dockerfile");
        let check = |source: &str, expected: &[&str]| assert_eq!(context.matches(source), expected, "{source}");
        check("app", &["app/main.py", "app/sub/x.py"]);
        check("/app/", &["app/main.py", "app/sub/x.py"]);
        check("package*.json", &["package-lock.json", "package.json"]);
        check("app/*.py", &["app/main.py"]);
        check("*/sub", &["app/sub/x.py"]);
        check("app*", &["app/main.py", "app/sub/x.py", "apple"]);
        check("../apple", &["apple"]);
        check("nothing", &[]);
        check("[", &[]);
        assert_eq!(context.matches(".").len(), 6);
    }

    #[test]
    fn a_similar_path_is_found_when_it_is_the_only_one() {
        let paths = ["Requirements.txt", "src/app.py", "a/x.cfg", "b/x.cfg", "config/server.yml"];
        let context = Context::of(&workspace("", &paths), "", "Dockerfile");
        let similar = |path: &str| context.similar(path);
        assert_eq!(similar("requirements.txt").as_deref(), Some("Requirements.txt"));
        assert_eq!(similar("app.py").as_deref(), Some("src/app.py"));
        assert_eq!(similar("config/servr.yml").as_deref(), Some("config/server.yml"));
        assert_eq!(similar("Config").as_deref(), Some("config"));
        assert_eq!((similar("x.cfg"), similar("src/app.py"), similar("zzz")), (None, None, None));
    }

    #[test]
    fn one_path_is_brought_back_and_nothing_else() {
        let paths = ["a.lock", "b.lock", "dist/x", "dist/y", "w[1].lock"];
        let check = |ignore: &str, path: &str, expected: Option<&str>| {
            let workspace = workspace(ignore, &paths);
            let edit = Context::of(&workspace, "", "Dockerfile").without_ignore_line(&workspace, path);
            let after = edit.map(|edit| apply(&[edit], &workspace).expect("fits"));
            assert_eq!(after.as_ref().and_then(|after| after.text(".dockerignore")), expected, "{ignore}");
        };
        check("# c\na.lock\nb.lock\n", "a.lock", Some("# c\nb.lock\n"));
        check("*.lock\nz\n", "a.lock", Some("*.lock\n!a.lock\nz\n"));
        check("*.lock\na.lock\nz\n", "a.lock", Some("*.lock\na.lock\n!a.lock\nz\n"));
        check("dist\n", "dist", Some(""));
        check("dist\n", "dist/x", Some("dist\n!dist/x\n"));
        check("*.lock", "w[1].lock", Some("*.lock\n!w\\[1].lock"));
        check("z\n", "a.lock", None);
        check("*.lock\n", "missing.lock", None);
    }
}
