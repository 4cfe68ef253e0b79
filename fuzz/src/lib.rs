//! What must hold of every edit, whoever made it, and all the edits that can be made of a text.
//!
//! The fuzz targets feed these with whatever breaks something, `tests/it/edits.rs` with texts made for it.

use domain_runner::dockerfile::{Dockerfile, edit};
use domain_runner::manifest::package_json::PackageJson;
use domain_runner::manifest::requirements;
use domain_runner::remedy::{Edit, apply};
use domain_runner::workspace::Workspace;

/// Instructions or entries of one file that are edited; more of them find nothing new.
const PLACES_MAX: usize = 8;

/// `edit`, made for `workspace`, fits there, leaves every line alone that it does not name, and fits no second time.
pub fn check(workspace: &Workspace, edit: &Edit) {
    let path = edit.path();
    let once = match apply(std::slice::from_ref(edit), workspace) {
        Ok(once) => once,
        Err(refused) => panic!("an edit made for this file was refused: {refused}\n{edit:?}"),
    };
    assert!(workspace.changed(&once).iter().all(|changed| changed == path), "another file was changed\n{edit:?}");
    if let Edit::Lines { line, old, new, .. } = edit {
        let (before, after) = (split(workspace, path), split(&once, path));
        let (above, below) = (line - 1, before.len() - (line - 1 + old.len()));
        assert_eq!(after.len(), before.len() + new.len() - old.len(), "lines came or went unnamed\n{edit:?}");
        assert_eq!(before[..above], after[..above], "a line above was touched\n{edit:?}");
        assert_eq!(before[before.len() - below..], after[after.len() - below..], "a line below was touched\n{edit:?}");
    }
    if let Ok(twice) = apply(std::slice::from_ref(edit), &once) {
        panic!("an edit fits twice\n{edit:?}\n{:?}\n{:?}", once.text(path), twice.text(path));
    }
}

fn split<'a>(workspace: &'a Workspace, path: &str) -> Vec<&'a [u8]> {
    let bytes = workspace.bytes(path).unwrap_or_default();
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A Dockerfile of any text prints the bytes it was read from, and each edit of it does what it names and no more.
pub fn dockerfile(text: &str) {
    let dockerfile = Dockerfile::parse(text);
    assert_eq!(dockerfile.text(), text);
    let lines = text.split('\n').count();
    for instruction in dockerfile.instructions() {
        assert!(instruction.first_line >= 1 && instruction.first_line <= instruction.last_line);
        assert!(instruction.last_line <= lines);
        let _ = (instruction.exec(), instruction.words(), instruction.copy_paths(), instruction.pairs());
    }
    let workspace = Workspace::of(&[("Dockerfile", text)]);
    let mut edits = Vec::new();
    for stage in 0..dockerfile.stages().len().min(3) {
        edits.push(edit::set_image(&workspace, "Dockerfile", &dockerfile, stage, "debian:bookworm"));
    }
    for (index, instruction) in dockerfile.instructions().iter().enumerate().take(PLACES_MAX) {
        let here = (&workspace, "Dockerfile", &dockerfile);
        let _ = (dockerfile.env_at(index), dockerfile.workdir_at(index), dockerfile.user_at(index));
        let _ = dockerfile.expand(index, &instruction.args, &Default::default());
        edits.push(edit::insert_before_instruction(here.0, here.1, here.2, index, &["ENV A=b"]));
        edits.push(edit::insert_after_instruction(here.0, here.1, here.2, index, &["RUN c", "USER d"]));
        edits.push(edit::delete_instruction(here.0, here.1, here.2, index));
        edits.push(edit::set_command(here.0, here.1, here.2, index, "CMD [\"sh\", \"-c\", \"exec a\"]"));
        edits.push(edit::add_apt_packages(here.0, here.1, here.2, index, &["gcc"]));
        edits.push(edit::add_copy_source(here.0, here.1, here.2, index, "other"));
        if let Some(word) = instruction.args.split_whitespace().next() {
            edits.push(edit::replace_in_instruction(here.0, here.1, here.2, index, word, "other"));
        }
    }
    edits.iter().flatten().for_each(|edit| check(&workspace, edit));
}

/// requirements.txt and package.json of any content are read, and each edit of them does what it names and no more.
pub fn manifests(text: &str) {
    let workspace = Workspace::of(&[("requirements.txt", text), ("package.json", text)]);
    let mut edits = vec![requirements::add(&workspace, "requirements.txt", "flask==3.0.3")];
    let _ = requirements::read_all(&workspace, "requirements.txt");
    for entry in requirements::read(&workspace, "requirements.txt").iter().take(PLACES_MAX) {
        edits.push(requirements::set_version(&workspace, entry, "9.8.7"));
        edits.push(requirements::set_text(&workspace, entry, "other>=1"));
        edits.push(requirements::remove(&workspace, entry));
    }
    for line in text.lines().take(PLACES_MAX) {
        if let Some(requirement) = requirements::requirement(line) {
            let _ = (requirement.normal_name(), requirement.pin());
        }
    }
    if let Some(package) = PackageJson::read(&workspace, "package.json") {
        edits.push(package.add_dependency(&workspace, "left-pad", "^1.3.0"));
        edits.push(package.move_to_dependencies(&workspace, "typescript"));
        edits.push(package.without_module_type(&workspace));
        for name in package.scripts() {
            edits.push(package.set_string(&workspace, name, package.script(name).unwrap_or_default(), "other"));
        }
        let _ = (package.node_range(), package.package_manager(), package.main(), package.has_workspaces());
    }
    edits.iter().flatten().for_each(|edit| check(&workspace, edit));
}

/// An edit of any lines of any file, by a number that says which kind: no line it does not name is touched, and it fits once.
pub fn lines(text: &str, verb: u8, first: u8, count: u8, new: &str) {
    let workspace = Workspace::of(&[("f", text)]);
    let lines = workspace.lines("f").len().max(1);
    let first = usize::from(first) % lines + 1;
    let last = (first + usize::from(count) % 4).min(lines);
    let new: Vec<&str> = new.lines().collect();
    let edit = match verb % 6 {
        0 => Edit::replace(&workspace, "f", first, last, &new),
        1 => Edit::insert_after(&workspace, "f", first, &new),
        2 => Edit::insert_before(&workspace, "f", first, &new),
        3 => Edit::delete(&workspace, "f", first, last),
        4 => Some(Edit::LineFeeds { path: "f".into() }),
        _ => Edit::append(&workspace, "f", &new),
    };
    let Some(edit) = edit else { return };
    // What is there already need not be written again.
    if apply(std::slice::from_ref(&edit), &workspace).is_ok() {
        check(&workspace, &edit);
    }
}
