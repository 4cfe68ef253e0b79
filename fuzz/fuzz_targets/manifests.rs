//! requirements.txt and package.json of any content are read, and their edits do what they name and no more.
#![no_main]

use domain_runner::manifest::package_json::PackageJson;
use domain_runner::manifest::requirements;
use domain_runner::workspace::Workspace;
use domain_runner_fuzz::check;
use libfuzzer_sys::fuzz_target;

/// Entries of one file that are edited; more of them find nothing new.
const ENTRIES_MAX: usize = 8;

fuzz_target!(|text: &str| {
    let workspace = Workspace::of(&[("requirements.txt", text), ("package.json", text)]);
    let mut edits = vec![requirements::add(&workspace, "requirements.txt", "flask==3.0.3")];
    let _ = requirements::read_all(&workspace, "requirements.txt");
    for entry in requirements::read(&workspace, "requirements.txt").iter().take(ENTRIES_MAX) {
        edits.push(requirements::set_version(&workspace, entry, "9.8.7"));
        edits.push(requirements::set_text(&workspace, entry, "other>=1"));
        edits.push(requirements::remove(&workspace, entry));
    }
    for line in text.lines().take(ENTRIES_MAX) {
        if let Some(requirement) = requirements::requirement(line) {
            let _ = (requirement.normal_name(), requirement.pin());
        }
    }
    if let Some(package) = PackageJson::read(&workspace, "package.json") {
        edits.push(package.add_dependency(&workspace, "left-pad", "^1.3.0"));
        for name in package.scripts() {
            edits.push(package.set_string(&workspace, name, package.script(name).unwrap_or_default(), "other"));
        }
        let _ = (package.node_range(), package.package_manager(), package.main(), package.has_workspaces());
    }
    edits.iter().flatten().for_each(|edit| check(&workspace, edit));
});
