//! What must hold of every edit, whoever made it.

use domain_runner::remedy::{Edit, apply};
use domain_runner::workspace::Workspace;

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
