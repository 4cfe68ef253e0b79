//! Deciding what becomes of one path when its branch moves and the user may have changes of their own.

use git2::{MergeFileInput, Repository, merge_file};

use super::GitError;
use super::tree::Entry;

/// Bytes at the start of a file in which git looks for NUL to call it binary.
const BINARY_PROBE_BYTES: usize = 8_000;

/// What becomes of a path in the index or the work tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Leave,
    Put {
        entry: Entry,
        merged: bool,
    },
    Drop,
    /// The user's version stays, and they are told why.
    Keep(&'static str),
}

/// What becomes of a path that goes from `base` to `new` in the branch and is `have` at the user's.
pub(super) fn next(
    repo: &Repository,
    base: Option<Entry>,
    new: Option<Entry>,
    have: Option<Entry>,
) -> Result<Next, GitError> {
    Ok(match (base, new, have) {
        (_, None, None) => Next::Leave,
        (None, Some(entry), None) => Next::Put { entry, merged: false },
        (Some(_), Some(_), None) => Next::Keep("you deleted it"),
        (base, None, Some(have)) if base == Some(have) => Next::Drop,
        (_, None, Some(_)) => Next::Keep("you changed it, and the commit deletes it"),
        (None, Some(new), Some(have)) if have.id == new.id && have.mode == new.mode => Next::Leave,
        (None, Some(_), Some(_)) => Next::Keep("a file of yours has this name"),
        (Some(base), Some(new), Some(have)) => {
            // The user's permission stays unless the commit is about it.
            let mode = if base.mode == new.mode { have.mode } else { new.mode };
            if have.id == new.id && have.mode == mode {
                Next::Leave
            } else if have.id == base.id || have.id == new.id {
                Next::Put { entry: Entry { id: new.id, mode }, merged: false }
            } else {
                match merged(repo, base, new, have)? {
                    Some(id) if id == have.id && mode == have.mode => Next::Leave,
                    Some(id) => Next::Put { entry: Entry { id, mode }, merged: true },
                    None => Next::Keep("your uncommitted changes touch the same lines"),
                }
            }
        }
    })
}

/// The three versions merged by lines, if that leaves no conflict.
fn merged(repo: &Repository, base: Entry, new: Entry, have: Entry) -> Result<Option<git2::Oid>, GitError> {
    if ![base, new, have].into_iter().all(Entry::is_file) {
        return Ok(None);
    }
    let act = "merge a file";
    let blob = |entry: Entry| repo.find_blob(entry.id).map_err(GitError::library(act));
    let (base, new, have) = (blob(base)?, blob(new)?, blob(have)?);
    let is_binary = |blob: &git2::Blob<'_>| blob.content().iter().take(BINARY_PROBE_BYTES).any(|byte| *byte == 0);
    if [&base, &new, &have].into_iter().any(is_binary) {
        return Ok(None);
    }
    let mut inputs = [MergeFileInput::new(), MergeFileInput::new(), MergeFileInput::new()];
    for (input, blob) in inputs.iter_mut().zip([&base, &have, &new]) {
        input.content(blob.content());
    }
    let [base, ours, theirs] = &inputs;
    let result = merge_file(base, ours, theirs, None).map_err(GitError::library(act))?;
    if !result.is_automergeable() {
        return Ok(None);
    }
    repo.blob(result.content()).map(Some).map_err(GitError::library(act))
}
