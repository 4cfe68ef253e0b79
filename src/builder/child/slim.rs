//! What slim images lack: compilers, headers and tools of this host are taken out of a root, as if never installed.
//!
//! Without this a build that needs `gcc` or `pg_config` would succeed here and fail at home. The package database
//! forgets them too, so that installing them works as in the image.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::on;

/// Packages whose names start like this are tools that slim images come without.
const TOOLS: &[&str] = &[
    "gcc",
    "g++",
    "cpp",
    "make",
    "cmake",
    "git",
    "curl",
    "wget",
    "binutils",
    "build-essential",
    "pkg-config",
    "pkgconf",
    "patch",
    "dpkg-dev",
    "default-jdk",
    "openjdk",
    "postgresql",
];

/// One of them where the image is there for something else.
const PYTHON: &[&str] = &["python3", "libpython3"];

const STATUS: &str = "var/lib/dpkg/status";

/// What the image is there for. Its files stay, even when its package needs one that goes.
const LANGUAGES: &[&str] = &["node", "npm", "libnode", "ruby", "libruby", "php"];

/// One installed package.
struct Package<'a> {
    name: &'a str,
    text: &'a str,
    essential: bool,
    /// Clauses of alternatives.
    depends: Vec<Vec<&'a str>>,
    provides: Vec<&'a str>,
}

/// Takes the tools out of `root`; Python is none where the image is one of Python's and has no other.
pub(super) fn forget_tools(root: &Path, keeps_python: bool) -> Result<(), String> {
    let path = root.join(STATUS);
    // Not a Debian: nothing to compare with either.
    let Ok(status) = fs::read_to_string(&path) else { return Ok(()) };
    let packages: Vec<Package> = status.split("\n\n").filter_map(package).collect();
    let gone = gone(&packages, keeps_python);
    let kept: String = packages
        .iter()
        .filter(|each| !gone.contains(each.name))
        .map(|each| format!("{}\n\n", each.text.trim()))
        .collect();
    fs::write(&path, kept).map_err(on("write", path.display()))?;
    forget_diversions(root, &gone)?;
    let info = root.join("var/lib/dpkg/info");
    for entry in fs::read_dir(&info).map_err(on("read", info.display()))?.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let (whole, ending) = file.rsplit_once('.').unwrap_or((&file, ""));
        let name = whole.split(':').next().unwrap_or(whole);
        if !gone.contains(name) {
            continue;
        }
        let is_language = LANGUAGES.iter().any(|language| name.starts_with(language));
        if ending == "list" && !is_language {
            let list = fs::read_to_string(entry.path()).unwrap_or_default();
            for path in list.lines() {
                let path = root.join(path.trim_start_matches('/'));
                // Folders stay, and so do links to folders: `/lib` is one, and other packages are in them.
                if !path.is_dir() {
                    let _ = fs::remove_file(path);
                }
            }
        }
        let _ = fs::remove_file(entry.path());
    }
    Ok(())
}

/// A diversion of a package that is gone would lead files of others astray.
fn forget_diversions(root: &Path, gone: &BTreeSet<&str>) -> Result<(), String> {
    let path = root.join("var/lib/dpkg/diversions");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(()) };
    let lines: Vec<&str> = text.lines().collect();
    // Three lines each: from, to, package.
    let kept = lines.chunks(3).filter(|each| each.get(2).is_none_or(|package| !gone.contains(package)));
    let kept: String = kept.flatten().map(|line| format!("{line}\n")).collect();
    fs::write(&path, kept).map_err(on("write", path.display()))
}

fn package(text: &str) -> Option<Package<'_>> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let clauses = ["Depends", "Pre-Depends"].into_iter().filter_map(field).flat_map(|field| field.split(','));
    Some(Package {
        name: field("Package")?.trim(),
        text,
        essential: field("Essential").is_some_and(|value| value == "yes"),
        depends: clauses.map(|clause| clause.split('|').filter_map(name_in).collect()).collect(),
        provides: field("Provides").into_iter().flat_map(|field| field.split(',')).filter_map(name_in).collect(),
    })
}

/// `libc6` of ` libc6:amd64 (>= 2.36)`.
fn name_in(alternative: &str) -> Option<&str> {
    alternative.split_whitespace().next()?.split(':').next()
}

/// The tools, and whatever cannot be without them.
fn gone<'a>(packages: &[Package<'a>], keeps_python: bool) -> BTreeSet<&'a str> {
    let is_tool = |name: &str| {
        let begins = |tools: &[&str]| tools.iter().any(|tool| name.starts_with(tool));
        let starts = (begins(TOOLS) || !keeps_python && begins(PYTHON)) && !name.ends_with("-base");
        starts || name.ends_with("-dev") || name == "libc-dev-bin"
    };
    let at_first = present(packages, &BTreeSet::new());
    let mut gone: BTreeSet<&str> =
        packages.iter().filter(|each| !each.essential && is_tool(each.name)).map(|each| each.name).collect();
    loop {
        let left = present(packages, &gone);
        let is_met = |clause: &Vec<&str>, by: &BTreeSet<&str>| clause.iter().any(|name| by.contains(name));
        let is_broken = |clause: &Vec<&str>| is_met(clause, &at_first) && !is_met(clause, &left);
        let more: Vec<&str> = packages
            .iter()
            .filter(|each| !each.essential && !gone.contains(each.name) && each.depends.iter().any(is_broken))
            .map(|each| each.name)
            .collect();
        if more.is_empty() {
            return gone;
        }
        gone.extend(more);
    }
}

/// Every name that a dependency can be met by, without the packages that are gone.
fn present<'a>(packages: &[Package<'a>], gone: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let left = packages.iter().filter(|each| !gone.contains(each.name));
    left.flat_map(|each| each.provides.iter().copied().chain([each.name])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_go_with_whatever_needs_them() {
        let status = "Package: gcc\nStatus: install ok installed\nDepends: cpp, gcc-12 (>= 12.1)\n\nPackage: gcc-12\n\n\
                      Package: gcc-12-base\n\nPackage: libpq5\nDepends: libc6\n\nPackage: libpq-dev\n\nPackage: libc6\n\n\
                      Package: make\n\nPackage: helper\nDepends: libc6, make | gcc:any\n\nPackage: dpkg\nEssential: yes\nDepends: gcc\n\n\
                      Package: other\nDepends: make | libc6\n\n\
                      Package: openjdk-17\nProvides: java\n\nPackage: maven\nDepends: default-jre | java (>= 2)";
        let packages: Vec<Package> = status.split("\n\n").filter_map(package).collect();
        let gone: Vec<&str> = gone(&packages, false).into_iter().collect();
        assert_eq!(gone, ["gcc", "gcc-12", "helper", "libpq-dev", "make", "maven", "openjdk-17"]);
    }

    #[test]
    fn python_goes_unless_it_plays_the_image() {
        let status = "Package: python3\nDepends: python3.11, libpython3-stdlib\n\nPackage: python3.11\n\n\
                      Package: libpython3-stdlib\n\nPackage: python3-dev\nDepends: python3\n\nPackage: gcc";
        let packages: Vec<Package> = status.split("\n\n").filter_map(package).collect();
        let gone = |keeps_python| gone(&packages, keeps_python).into_iter().collect::<Vec<_>>();
        assert_eq!(gone(true), ["gcc", "python3-dev"]);
        assert_eq!(gone(false), ["gcc", "libpython3-stdlib", "python3", "python3-dev", "python3.11"]);
    }
}
