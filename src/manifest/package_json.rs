//! package.json: what it says, and edits of single lines that leave all others as they are.

use serde_json::Value;

use crate::remedy::Edit;
use crate::workspace::Workspace;

/// A package.json that could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageJson {
    path: String,
    value: Value,
}

/// In which section a package is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Dependencies,
    DevDependencies,
    OptionalDependencies,
    PeerDependencies,
}

const SECTIONS: [(Section, &str); 4] = [
    (Section::Dependencies, "dependencies"),
    (Section::OptionalDependencies, "optionalDependencies"),
    (Section::DevDependencies, "devDependencies"),
    (Section::PeerDependencies, "peerDependencies"),
];

impl PackageJson {
    /// Reads `path` of the repository; `None` when it is absent or no JSON object.
    pub fn read(workspace: &Workspace, path: &str) -> Option<Self> {
        let text = workspace.text(path)?;
        let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        value.is_object().then(|| Self { path: path.to_owned(), value })
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// What `npm run name` runs.
    pub fn script(&self, name: &str) -> Option<&str> {
        self.value.get("scripts")?.get(name)?.as_str()
    }

    /// Names of the scripts, in order.
    pub fn scripts(&self) -> Vec<&str> {
        let scripts = self.value.get("scripts").and_then(Value::as_object);
        scripts.map(|scripts| scripts.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// The section that names `package`, and its range.
    pub fn requirement(&self, package: &str) -> Option<(Section, &str)> {
        SECTIONS.iter().find_map(|(section, key)| Some((*section, self.value.get(key)?.get(package)?.as_str()?)))
    }

    /// Packages and ranges of one section.
    pub fn section(&self, wanted: Section) -> Vec<(&str, &str)> {
        let key = SECTIONS.iter().find(|(section, _)| *section == wanted).map_or("", |(_, key)| key);
        let object = self.value.get(key).and_then(Value::as_object);
        object.into_iter().flatten().filter_map(|(name, range)| Some((name.as_str(), range.as_str()?))).collect()
    }

    /// `engines.node`.
    pub fn node_range(&self) -> Option<&str> {
        self.value.get("engines")?.get("node")?.as_str()
    }

    /// `packageManager`: name and version, without the hash.
    pub fn package_manager(&self) -> Option<(&str, &str)> {
        let (name, version) = self.value.get("packageManager")?.as_str()?.split_once('@')?;
        Some((name, version.split('+').next().unwrap_or(version)))
    }

    /// `main`, where it is written.
    pub fn main(&self) -> Option<&str> {
        self.value.get("main")?.as_str()
    }

    /// `name`, where it is written.
    pub fn name(&self) -> Option<&str> {
        self.value.get("name")?.as_str()
    }

    /// The patterns of `workspaces`, in either of its forms.
    pub fn workspaces(&self) -> Vec<&str> {
        let all = self.value.get("workspaces");
        let list = all.and_then(|all| all.as_array().or_else(|| all.get("packages")?.as_array()));
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn has_workspaces(&self) -> bool {
        self.value.get("workspaces").is_some()
    }

    /// Moves `package` from the development packages to the dependencies.
    pub fn move_to_dependencies(&self, workspace: &Workspace, package: &str) -> Option<Edit> {
        let (section, range) = self.requirement(package)?;
        if section != Section::DevDependencies {
            return None;
        }
        let mut lines: Vec<String> = workspace.lines(&self.path).into_iter().map(str::to_owned).collect();
        remove_entry(&mut lines, "devDependencies", package)?;
        insert_entry(&mut lines, "dependencies", package, range)?;
        let edit = difference(workspace, &self.path, &lines)?;
        // What was written must read as what was meant.
        let after: Value = serde_json::from_str(&lines.join("\n")).ok()?;
        let is_there = after.get("dependencies")?.get(package)?.as_str() == Some(range);
        (is_there && after.get("devDependencies").and_then(|dev| dev.get(package)).is_none()).then_some(edit)
    }

    /// Adds `package` to the dependencies.
    pub fn add_dependency(&self, workspace: &Workspace, package: &str, range: &str) -> Option<Edit> {
        if self.requirement(package).is_some() {
            return None;
        }
        let mut lines: Vec<String> = workspace.lines(&self.path).into_iter().map(str::to_owned).collect();
        insert_entry(&mut lines, "dependencies", package, range)?;
        let after: Value = serde_json::from_str(&lines.join("\n")).ok()?;
        after.get("dependencies")?.get(package)?;
        difference(workspace, &self.path, &lines)
    }

    /// Takes `"type": "module"` away, where it stands on a line of its own.
    pub fn without_module_type(&self, workspace: &Workspace) -> Option<Edit> {
        (self.value.get("type")?.as_str()? == "module").then_some(())?;
        let mut lines: Vec<String> = workspace.lines(&self.path).into_iter().map(str::to_owned).collect();
        let is_it =
            |line: &String| line.split_whitespace().collect::<String>().trim_end_matches(',') == "\"type\":\"module\"";
        let at = lines.iter().position(is_it)?;
        let is_last = !lines[at].trim_end().ends_with(',');
        lines.remove(at);
        if is_last && at > 0 {
            let before = lines[at - 1].trim_end().trim_end_matches(',').to_owned();
            lines[at - 1] = before;
        }
        let mut meant = self.value.clone();
        meant.as_object_mut()?.remove("type");
        let after: Value = serde_json::from_str(&lines.join("\n")).ok()?;
        (after == meant).then(|| difference(workspace, &self.path, &lines)).flatten()
    }

    /// Replaces the string behind `key` at the top, or in `scripts`, wherever its line is `"key": "old"`.
    pub fn set_string(&self, workspace: &Workspace, key: &str, old: &str, new: &str) -> Option<Edit> {
        let (old, new) = (serde_json::to_string(old).ok()?, serde_json::to_string(new).ok()?);
        let lines = workspace.lines(&self.path);
        let start = format!("\"{key}\"");
        let mut places =
            lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with(&start) && line.contains(&old));
        let (index, line) = places.next()?;
        if places.next().is_some() {
            return None;
        }
        Edit::replace(workspace, &self.path, index + 1, index + 1, &[&line.replacen(&old, &new, 1)])
    }
}

/// First and last line (indices) between the braces of a top-level section written on lines of its own.
fn span(lines: &[String], key: &str) -> Option<(usize, usize)> {
    let start = format!("\"{key}\"");
    let open = lines.iter().position(|line| line.trim_start().starts_with(&start) && line.trim_end().ends_with('{'))?;
    let close = open + 1 + lines[open + 1..].iter().position(|line| line.trim_start().starts_with('}'))?;
    Some((open + 1, close))
}

fn remove_entry(lines: &mut Vec<String>, section: &str, package: &str) -> Option<()> {
    let (first, close) = span(lines, section)?;
    let name = format!("\"{package}\"");
    let at = (first..close).find(|at| lines[*at].trim_start().starts_with(&name))?;
    let was_last = at + 1 == close;
    lines.remove(at);
    if was_last && at > first {
        let before = lines[at - 1].trim_end().trim_end_matches(',').to_owned();
        lines[at - 1] = before;
    }
    Some(())
}

fn insert_entry(lines: &mut Vec<String>, section: &str, package: &str, range: &str) -> Option<()> {
    let (first, close) = span(lines, section)?;
    let name = |line: &String| line.trim_start().trim_start_matches('"').split('"').next().unwrap_or("").to_owned();
    let indent = match lines.get(first).filter(|_| first < close) {
        Some(line) => line[..line.len() - line.trim_start().len()].to_owned(),
        None => {
            let open = &lines[first - 1];
            format!("{}  ", &open[..open.len() - open.trim_start().len()])
        }
    };
    let at = (first..close).find(|at| name(&lines[*at]).as_str() > package).unwrap_or(close);
    let comma = if at == close { "" } else { "," };
    if at == close && close > first {
        let last = format!("{},", lines[close - 1].trim_end());
        lines[close - 1] = last;
    }
    lines.insert(at, format!("{indent}\"{package}\": {}{comma}", serde_json::to_string(range).ok()?));
    Some(())
}

/// One edit of the lines in which `new` differs from the file.
fn difference(workspace: &Workspace, path: &str, new: &[String]) -> Option<Edit> {
    let old = workspace.lines(path);
    let same_front = old.iter().zip(new).take_while(|(a, b)| *a == *b).count();
    let rest = old.len().min(new.len()) - same_front;
    let same_back = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| *a == *b).count();
    // A line more in front, so that an insertion still names something.
    let first = same_front.saturating_sub(1);
    let changed: Vec<&str> = new[first..new.len() - same_back].iter().map(String::as_str).collect();
    Edit::replace(workspace, path, first + 1, (old.len() - same_back).max(first + 1), &changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::apply;

    const FILE: &str = "{\n  \"scripts\": {\n    \"start\": \"node a.js\"\n  },\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"z\": \"2\"\n  },\n  \"devDependencies\": {\n    \"b\": \"^3\",\n    \"y\": \"4\"\n  }\n}\n";

    fn check(edit: impl Fn(&PackageJson, &Workspace) -> Option<Edit>, after: &str) {
        let workspace = Workspace::of(&[("package.json", FILE)]);
        let file = PackageJson::read(&workspace, "package.json").expect("a package.json");
        let edit = edit(&file, &workspace).expect("an edit");
        assert_eq!(apply(&[edit], &workspace).expect("fits").text("package.json"), Some(after));
    }

    #[test]
    fn a_package_moves_between_sections_and_keeps_its_range() {
        check(
            |file, workspace| file.move_to_dependencies(workspace, "b"),
            "{\n  \"scripts\": {\n    \"start\": \"node a.js\"\n  },\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"b\": \"^3\",\n    \"z\": \"2\"\n  },\n  \"devDependencies\": {\n    \"y\": \"4\"\n  }\n}\n",
        );
        check(
            |file, workspace| file.add_dependency(workspace, "zz", "^1.0.0"),
            &FILE.replace("\"z\": \"2\"\n", "\"z\": \"2\",\n    \"zz\": \"^1.0.0\"\n"),
        );
        check(
            |file, workspace| file.set_string(workspace, "start", "node a.js", "node b.js"),
            &FILE.replace("a.js", "b.js"),
        );
    }
}
