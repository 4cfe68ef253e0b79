//! Services that work foresee nothing: a false alarm is a bug.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use domain_runner::diagnosis::foresee;
use domain_runner::knowledge::Knowledge;
use domain_runner::observation::Facts;
use domain_runner::workspace::{Content, File, Workspace};

const SHARED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared");

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

fn workspace(folder: &Path) -> Workspace {
    let mut paths = Vec::new();
    files(folder, &mut paths);
    let mut workspace = Workspace::default();
    for path in paths {
        let name = path.strip_prefix(folder).expect("below").to_string_lossy().into_owned();
        let bytes = fs::read(&path).expect("readable");
        // Copies may have lost the bit, which says nothing of the service; scripts of the originals have it.
        let executable =
            fs::metadata(&path).is_ok_and(|data| data.permissions().mode() & 0o100 != 0) || bytes.starts_with(b"#!");
        workspace.insert(&name, File { content: Content::Bytes(bytes), executable });
    }
    workspace
}

#[test]
#[ignore = "reads ../shared, which is no part of the repository; .ci/run runs it"]
fn services_that_work_foresee_nothing() {
    let mut found = Vec::new();
    files(&Path::new(SHARED).join("good-services"), &mut found);
    files(&Path::new(SHARED).join("cases"), &mut found);
    let works = |path: &Path| {
        let path = path.to_string_lossy();
        path.ends_with("/Dockerfile") && (path.contains("/good-services/") || path.contains("/good/"))
    };
    found.retain(|path| works(path));
    assert!(found.len() >= 30, "only {} services were found", found.len());
    let mut wrong = Vec::new();
    for path in found {
        let folder = path.parent().expect("a folder");
        let facts = Facts { dockerfile_path: "Dockerfile".into(), ..Facts::default() };
        for finding in foresee(&workspace(folder), &facts, &Knowledge::default()).findings {
            wrong.push(format!("{}: {} {} ({})", path.display(), finding.class, finding.subject, finding.why));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
