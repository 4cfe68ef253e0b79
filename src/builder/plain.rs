//! Plain folders instead of roots, where the kernel refuses namespaces: paths are mapped, nothing is isolated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::child::LayFrom;
use super::ground::root_of;

/// Folders that commands expect in a root.
const FOLDERS: &[&str] = &["usr/local/bin", "tmp", "root"];

/// Makes the folder of a stage; a stage that builds on another starts as its copy.
pub(super) async fn lay(base: &Path, stage: usize, from: LayFrom) -> Result<(), String> {
    let root = root_of(base, stage);
    let made = async {
        for folder in FOLDERS {
            tokio::fs::create_dir_all(root.join(folder)).await?;
        }
        if let LayFrom::Stage(earlier) = from {
            copy_tree(root_of(base, earlier), root.clone()).await?;
        }
        Ok::<(), std::io::Error>(())
    };
    made.await.map_err(|error| format!("failed to make `{}`: {error}", root.display()))
}

/// Copies a folder with links and modes.
async fn copy_tree(from: PathBuf, to: PathBuf) -> std::io::Result<()> {
    let mut folders = vec![(from, to)];
    while let Some((from, to)) = folders.pop() {
        tokio::fs::create_dir_all(&to).await?;
        let mut entries = tokio::fs::read_dir(&from).await?;
        while let Some(entry) = entries.next_entry().await? {
            let (kind, target) = (entry.file_type().await?, to.join(entry.file_name()));
            if kind.is_dir() {
                folders.push((entry.path(), target));
            } else if kind.is_symlink() {
                tokio::fs::symlink(tokio::fs::read_link(entry.path()).await?, target).await?;
            } else if kind.is_file() {
                tokio::fs::copy(entry.path(), target).await?;
            }
        }
    }
    Ok(())
}

/// Where an absolute path of the Dockerfile lies.
pub(super) fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Variables that make installers write below `root`.
pub(super) fn environment(root: &Path, env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let below = |path: &str| below(root, path).to_string_lossy().into_owned();
    let path = env.get("PATH").cloned().unwrap_or_default();
    [
        ("PATH", format!("{}:{path}", below("/usr/local/bin"))),
        ("HOME", below("/root")),
        ("TMPDIR", below("/tmp")),
        ("PIP_USER", "1".to_owned()),
        ("PYTHONUSERBASE", below("/usr/local")),
        ("npm_config_prefix", below("/usr/local")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// `text` with the paths that exist only below `root` put where they are.
///
/// A folder that the host has too is left alone: most likely the host's is meant, like `/bin/sh`.
pub(super) fn mapped(root: &Path, text: &str) -> String {
    let mut text = text.to_owned();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let here = format!("/{name}");
        if !Path::new(&here).exists() {
            text = replaced(&text, &here, &below(root, &here).to_string_lossy());
        }
    }
    text
}

/// Replaces `path` where it stands as a whole leading path, not within a longer one.
fn replaced(text: &str, path: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let (before, after) = (&rest[..at], &rest[at + path.len()..]);
        let part_of_name = |character: char| character.is_alphanumeric() || "_-./".contains(character);
        let starts = !before.ends_with(part_of_name);
        let ends = after.starts_with('/') || !after.starts_with(part_of_name);
        out.push_str(before);
        out.push_str(if starts && ends { with } else { path });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_paths_are_mapped() {
        let check = |given: &str, expected: &str| assert_eq!(replaced(given, "/app", "/s/app"), expected);
        check("cd /app && ls /app/x", "cd /s/app && ls /s/app/x");
        check("PYTHONPATH=/app:/apple", "PYTHONPATH=/s/app:/apple");
        check("/usr/app ./app", "/usr/app ./app");
    }
}
