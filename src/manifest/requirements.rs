//! `requirements.txt`: its lines as pip reads them, and edits that leave everything else as it stands.

use crate::remedy::Edit;
use crate::workspace::Workspace;

/// Files that include one another are followed this deep; pip has no limit, a loop of includes would.
const INCLUDES_MAX: usize = 8;

/// One logical line of a requirements file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: String,
    /// From 1; a backslash joins lines, both ends belong to the entry.
    pub first_line: usize,
    pub last_line: usize,
    /// Without comment, continuation joined.
    pub text: String,
    pub kind: Kind,
}

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Requirement(Requirement),
    /// `-r other.txt`, relative to the file it stands in.
    Include(String),
    /// `-c constraints.txt`.
    Constraint(String),
    /// `-e path`, a bare path, a URL or a `git+` address.
    Direct(String),
    /// `--index-url` and the like.
    Option,
    /// Nothing pip could read as a requirement.
    Other,
}

/// `name[extra]==1.0; marker`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// As written.
    pub name: String,
    pub extras: Vec<String>,
    /// `==1.0`, `>=1,<2`, `@ https://…`, or empty.
    pub specifier: String,
    pub marker: Option<String>,
}

impl Requirement {
    pub fn normal_name(&self) -> String {
        normalise(&self.name)
    }

    /// The one version this line allows.
    pub fn pin(&self) -> Option<&str> {
        let version = self.specifier.strip_prefix("===").or_else(|| self.specifier.strip_prefix("=="))?.trim();
        let single = !version.contains([',', '*', ' ']);
        single.then_some(version)
    }
}

impl Entry {
    pub fn requirement(&self) -> Option<&Requirement> {
        match &self.kind {
            Kind::Requirement(requirement) => Some(requirement),
            _ => None,
        }
    }

    fn names(&self, name: &str) -> bool {
        self.requirement().is_some_and(|requirement| requirement.normal_name() == normalise(name))
    }
}

/// The name as the index compares it: small letters, runs of `-`, `_`, `.` as one `-`.
pub fn normalise(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for each in name.trim().chars() {
        if matches!(each, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push(each.to_ascii_lowercase());
        }
    }
    out
}

/// The lines of the requirements file at `path`, blank lines and comments left out.
pub fn read(workspace: &Workspace, path: &str) -> Vec<Entry> {
    let lines = workspace.lines(path);
    let mut entries = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let first = at;
        let mut text = String::new();
        loop {
            let line = lines[at].trim_end();
            let goes_on = line.ends_with('\\') && at + 1 < lines.len() && !line.trim_start().starts_with('#');
            text.push_str(if goes_on { &line[..line.len() - 1] } else { line });
            if !goes_on {
                break;
            }
            at += 1;
        }
        at += 1;
        let bare = uncommented(&text).trim().trim_start_matches('\u{feff}');
        if !bare.is_empty() {
            let kind = kind_of(bare);
            entries.push(Entry { path: path.into(), first_line: first + 1, last_line: at, text: bare.into(), kind });
        }
    }
    entries
}

/// [`read`], with the files it includes and constrains by, in order.
pub fn read_all(workspace: &Workspace, path: &str) -> Vec<Entry> {
    let mut seen = Vec::new();
    let mut out = Vec::new();
    follow(workspace, path, 0, &mut seen, &mut out);
    out
}

fn follow(workspace: &Workspace, path: &str, depth: usize, seen: &mut Vec<String>, out: &mut Vec<Entry>) {
    if depth > INCLUDES_MAX || seen.iter().any(|known| known == path) {
        return;
    }
    seen.push(path.to_owned());
    for entry in read(workspace, path) {
        let next = match &entry.kind {
            Kind::Include(other) | Kind::Constraint(other) => Some(beside(path, other)),
            _ => None,
        };
        out.push(entry);
        if let Some(next) = next {
            follow(workspace, &next, depth + 1, seen, out);
        }
    }
}

/// `other`, written in `path`, as a path of the repository.
pub fn beside(path: &str, other: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in other.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The part before ` #`.
fn uncommented(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    [" #", "\t#"].iter().filter_map(|mark| line.find(mark)).min().map_or(line, |at| &line[..at])
}

fn kind_of(text: &str) -> Kind {
    for (short, long, make) in [
        ("-r", "--requirement", Kind::Include as fn(String) -> Kind),
        ("-c", "--constraint", Kind::Constraint),
        ("-e", "--editable", Kind::Direct),
    ] {
        let rest = text.strip_prefix(long).or_else(|| text.strip_prefix(short).filter(|_| !text.starts_with("--")));
        if let Some(rest) = rest {
            return make(rest.trim_start_matches(['=', ' ', '\t']).trim().to_owned());
        }
    }
    if text.starts_with('-') {
        return Kind::Option;
    }
    if text.contains("://") && !text.contains(" @ ") && !text.contains("@http") || text.starts_with(['.', '/']) {
        return Kind::Direct(text.to_owned());
    }
    requirement(text).map_or(Kind::Other, Kind::Requirement)
}

/// Reads `name[extras] specifier ; marker --hash=…`.
pub fn requirement(text: &str) -> Option<Requirement> {
    let end = text.find(|each: char| !(each.is_ascii_alphanumeric() || "-_.".contains(each))).unwrap_or(text.len());
    let (name, mut rest) = (text[..end].trim_end_matches(['-', '.']), text[end..].trim_start());
    if !name.starts_with(|each: char| each.is_ascii_alphanumeric()) {
        return None;
    }
    let mut extras = Vec::new();
    if let Some(inner) = rest.strip_prefix('[') {
        let (list, after) = inner.split_once(']')?;
        extras = list.split(',').map(|extra| extra.trim().to_owned()).collect();
        rest = after.trim_start();
    }
    let rest = rest.split(" --").next().unwrap_or(rest);
    let (specifier, marker) = match rest.split_once(';') {
        Some((specifier, marker)) => (specifier.trim(), Some(marker.trim().to_owned())),
        None => (rest.trim(), None),
    };
    let specifier = specifier.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(specifier);
    let starts_well = specifier.is_empty()
        || specifier.starts_with("@ ")
        || ["==", ">=", "<=", "~=", "!=", ">", "<"].iter().any(|operator| specifier.starts_with(operator));
    starts_well.then(|| Requirement { name: name.into(), extras, specifier: specifier.into(), marker })
}

/// Makes `entry` ask for exactly `version`: only the specifier changes, comment and marker stay.
pub fn set_version(workspace: &Workspace, entry: &Entry, version: &str) -> Option<Edit> {
    let requirement = entry.requirement()?;
    if entry.first_line != entry.last_line || entry.text.contains("--hash") {
        return None;
    }
    let line = *workspace.lines(&entry.path).get(entry.first_line - 1)?;
    let new = if requirement.specifier.is_empty() {
        let end = match line.find(']') {
            Some(end) if !requirement.extras.is_empty() => end + 1,
            _ => line.find(&requirement.name)? + requirement.name.len(),
        };
        format!("{}=={version}{}", &line[..end], &line[end..])
    } else {
        let start = line.find(&requirement.specifier)?;
        let (before, after) = (&line[..start], &line[start + requirement.specifier.len()..]);
        let operator = if requirement.specifier.starts_with("===") { "===" } else { "==" };
        let gap = match requirement.pin() {
            Some(pin) => &requirement.specifier[operator.len()..requirement.specifier.len() - pin.len()],
            None => "",
        };
        format!("{before}{operator}{gap}{version}{after}")
    };
    Edit::replace(workspace, &entry.path, entry.first_line, entry.first_line, &[&new])
}

/// Replaces the line of `entry` by `text`; a comment at its end stays.
pub fn set_text(workspace: &Workspace, entry: &Entry, text: &str) -> Option<Edit> {
    let line = *workspace.lines(&entry.path).get(entry.first_line - 1)?;
    let comment = &line[uncommented(line).trim_end().len()..];
    let new = format!("{text}{}", if entry.first_line == entry.last_line { comment.trim_end() } else { "" });
    Edit::replace(workspace, &entry.path, entry.first_line, entry.last_line, &[&new])
}

/// Takes the line of `entry` away.
pub fn remove(workspace: &Workspace, entry: &Entry) -> Option<Edit> {
    Edit::delete(workspace, &entry.path, entry.first_line, entry.last_line)
}

/// Adds `text` to the file: behind its last requirement, or, where those are sorted, in its place.
pub fn add(workspace: &Workspace, path: &str, text: &str) -> Option<Edit> {
    let entries = read(workspace, path);
    let name = requirement(text).map(|wanted| wanted.normal_name())?;
    if entries.iter().any(|entry| entry.names(&name)) {
        return None;
    }
    let named: Vec<(&Entry, String)> =
        entries.iter().filter_map(|entry| Some((entry, entry.requirement()?.normal_name()))).collect();
    let one_block = named.windows(2).all(|pair| pair[1].0.first_line == pair[0].0.last_line + 1);
    let sorted = named.len() > 2 && one_block && named.windows(2).all(|pair| pair[0].1 <= pair[1].1);
    if sorted && let Some((next, _)) = named.iter().find(|(_, other)| *other > name) {
        return Edit::insert_before(workspace, path, next.first_line, &[text]);
    }
    match named.last() {
        Some((last, _)) => Edit::insert_after(workspace, path, last.last_line, &[text]),
        None => Edit::append(workspace, path, &[text]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::apply;

    fn check(before: &str, edit: impl Fn(&Workspace, &[Entry]) -> Option<Edit>, after: &str) {
        let workspace = Workspace::of(&[("r.txt", before)]);
        let edit = edit(&workspace, &read(&workspace, "r.txt")).expect("the edit can be made");
        assert_eq!(apply(&[edit], &workspace).expect("it fits").text("r.txt"), Some(after));
    }

    #[test]
    fn a_version_changes_and_nothing_around_it() {
        let edit = |w: &Workspace, all: &[Entry]| set_version(w, all.first()?, "2.0");
        check("a==1.0\nb\n", edit, "a==2.0\nb\n");
        check(
            "# x\na[b] == 1.0 ; python_version > '3'  # why\n",
            edit,
            "# x\na[b] == 2.0 ; python_version > '3'  # why\n",
        );
        check("a>=1,<2", edit, "a==2.0");
        check("A_x[y]  # why\r\n", edit, "A_x[y]==2.0  # why\r\n");
    }

    #[test]
    fn a_requirement_finds_its_place() {
        let edit = |w: &Workspace, _: &[Entry]| add(w, "r.txt", "gunicorn==22.0.0");
        check("flask\n", edit, "flask\ngunicorn==22.0.0\n");
        check("django\nflask\nzope\n", edit, "django\nflask\ngunicorn==22.0.0\nzope\n");
        check("flask", edit, "flask\ngunicorn==22.0.0");
        check("", edit, "gunicorn==22.0.0\n");
    }

    #[test]
    fn lines_are_read_as_pip_reads_them() {
        let text =
            "-r base.txt\n-c c.txt\n--hash=x\n-e .\ngit+https://x/y.git\nA.b_C ~= 1.0\nx @ https://y\na=1.0=py36\n";
        let workspace =
            Workspace::of(&[("d/r.txt", text), ("d/base.txt", "z==1 \\\n  --hash=sha256:1\n"), ("d/c.txt", "")]);
        let kinds: Vec<_> = read_all(&workspace, "d/r.txt").into_iter().map(|entry| (entry.path, entry.kind)).collect();
        assert_eq!(kinds[0], ("d/r.txt".into(), Kind::Include("base.txt".into())));
        assert!(matches!(&kinds[1], (path, Kind::Requirement(z)) if path == "d/base.txt" && z.pin() == Some("1")));
        assert_eq!(kinds[2].1, Kind::Constraint("c.txt".into()));
        assert_eq!(kinds[3].1, Kind::Option);
        assert!(matches!(kinds[4].1, Kind::Direct(_)) && matches!(kinds[5].1, Kind::Direct(_)));
        assert!(matches!(&kinds[6].1, Kind::Requirement(a) if a.normal_name() == "a-b-c" && a.specifier == "~= 1.0"));
        assert!(matches!(&kinds[7].1, Kind::Requirement(x) if x.specifier == "@ https://y"));
        assert_eq!(kinds[8].1, Kind::Other);
    }
}
