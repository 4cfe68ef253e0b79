//! Paths that no remedy may touch, whatever a rule or a log made of them. `apply` asks here for every edit; nobody else decides it.

use super::Refused;
use crate::workspace::{Content, Workspace};

/// CI: whoever can edit these runs commands with the secrets of the pipeline.
const WORKFLOW_FOLDERS: [&str; 9] =
    [".github", ".gitlab", ".circleci", ".buildkite", ".woodpecker", ".gitea", ".forgejo", ".teamcity", ".drone"];

const WORKFLOW_FILES: [&str; 20] = [
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".travis.yml",
    ".drone.yml",
    ".drone.star",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".cirrus.yml",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "codefresh.yml",
    "buildspec.yml",
    "buildkite.yml",
    "jenkinsfile",
    ".semaphore.yml",
];

/// Files of git, and of what runs at git's events on the machines of everybody who works on the project.
const GIT_FILES: [&str; 7] = [
    ".gitmodules",
    ".gitconfig",
    ".git-credentials",
    ".pre-commit-config.yaml",
    ".lefthook.yml",
    "lefthook.yml",
    ".husky",
];

/// Folders that hold keys and nothing else.
const SECRET_FOLDERS: [&str; 5] = [".ssh", ".gnupg", ".aws", ".azure", ".kube"];

const SECRET_FILES: [&str; 16] = [
    ".npmrc",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".htpasswd",
    ".pgpass",
    ".my.cnf",
    ".dockercfg",
    ".dockerconfigjson",
    ".envrc",
    "credentials",
    "credentials.json",
    "credentials.yml.enc",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
];

const SECRET_ENDINGS: [&str; 13] =
    [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk", ".asc", ".gpg", ".age", ".crt", ".der"];

/// Templates of `.env` files: committed on purpose, with nothing in them.
const ENV_TEMPLATES: [&str; 6] = ["example", "sample", "template", "dist", "tmpl", "defaults"];

/// Refuses `path` when it lies outside the repository, is git's own, runs in CI, or holds secrets.
///
/// # Errors
/// [`Refused::Forbidden`] says which of these it is.
pub(super) fn check(path: &str, workspace: &Workspace) -> Result<(), Refused> {
    let why = why_odd(path).or_else(|| why_protected(path)).or_else(|| blocked(path, workspace));
    why.map_or(Ok(()), |why| Err(Refused::Forbidden { path: path.to_owned(), why }))
}

/// What is wrong with the spelling of `path`: it would name another file somewhere than it seems to.
fn why_odd(path: &str) -> Option<&'static str> {
    let outside = "it lies outside the repository";
    let drive = path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic());
    if path.starts_with(['/', '~']) || drive || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some(outside);
    }
    // On Windows `\` parts folders and `:` names a stream of a file: `..\x`, `.git::$INDEX_ALLOCATION`.
    if path.contains(['\\', ':']) {
        return Some("it holds a sign that means something else on another system");
    }
    if path.chars().any(|sign| sign.is_control() || is_invisible(sign)) {
        return Some("it holds a sign that cannot be seen");
    }
    None
}

/// Signs that HFS+ ignores in names (`.g\u{200c}it` is `.git` there) or that turn the direction of writing.
fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn why_protected(path: &str) -> Option<&'static str> {
    // NTFS and FAT know no case and drop dots and spaces at the end of a name.
    let parts: Vec<String> = path.split('/').map(|part| part.trim_end_matches(['.', ' ']).to_lowercase()).collect();
    let name = parts.last().map_or("", String::as_str);
    // `GIT~1` is the short name that Windows gives `.git`.
    let is_git = |part: &String| part == ".git" || part.starts_with("git~");
    if parts.iter().any(|part| is_git(part) || GIT_FILES.contains(&part.as_str())) {
        return Some("git's own files and hooks are never edited");
    }
    let folders = &parts[..parts.len() - 1];
    if folders.iter().any(|part| WORKFLOW_FOLDERS.contains(&part.as_str())) || WORKFLOW_FILES.contains(&name) {
        return Some("CI workflows are never edited");
    }
    let is_secret = folders.iter().any(|part| SECRET_FOLDERS.contains(&part.as_str()))
        || SECRET_FILES.contains(&name)
        || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"].iter().any(|key| name.starts_with(key))
        || (name.contains("service-account") || name.contains("service_account")) && name.ends_with(".json")
        || is_env(name);
    is_secret.then_some("it looks like a file of secrets")
}

/// `.env`, `.env.production`, `prod.env`; not `.env.example`.
fn is_env(name: &str) -> bool {
    let is_template = ENV_TEMPLATES.iter().any(|word| name.split('.').any(|part| part == *word));
    !is_template && (name.split('.').any(|part| part == "env") && (name.starts_with(".env") || name.ends_with(".env")))
}

/// A link above `path` would lead elsewhere; a file or submodule there has no room for it.
fn blocked(path: &str, workspace: &Workspace) -> Option<&'static str> {
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    let stands = above.filter_map(|folder| workspace.file(folder)).next()?;
    Some(match stands.content {
        Content::Link(_) => "a folder above it is a link, which may lead anywhere",
        Content::Submodule => "it lies in a submodule, which is a repository of its own",
        Content::Bytes(_) | Content::Unread { .. } => "a file stands where its folder would be",
    })
}

/// Whether `path`, relative to the service's folder, is a test: what says whether the service is right, so it is not mended.
pub fn is_test(path: &str) -> bool {
    let path = path.to_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folders
        .split('/')
        .any(|part| matches!(part, "test" | "tests" | "__tests__" | "spec" | "specs" | "e2e" | "testdata"))
        || matches!(name, "conftest.py" | "pytest.ini" | "tox.ini")
        || stem.starts_with("test_")
        || ["_test", "_spec", ".test", ".spec"].iter().any(|end| stem.ends_with(end))
        || ["jest.config", "vitest.config", "playwright.config", "cypress.config"].contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remedy::{Edit, apply};
    use crate::workspace::File;

    fn refusal(path: &str, workspace: &Workspace) -> Option<&'static str> {
        let edit = Edit::Create { path: path.into(), text: "x".into() };
        match apply(&[edit], workspace) {
            Err(Refused::Forbidden { why, .. }) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn paths_out_of_the_repository_are_refused_in_every_spelling() {
        for path in [
            "../x",
            "a/../../x",
            "/etc/passwd",
            "./x",
            "a//b",
            "a/./b",
            "",
            "a/",
            "~/x",
            "C:/x",
            "c:x",
            "..\\x",
            "a\\..\\b",
            "a\0b",
            "a\nb",
            "\u{202e}x",
            "//host/share",
        ] {
            assert!(refusal(path, &Workspace::default()).is_some(), "{path:?}");
        }
    }

    #[test]
    fn gits_own_files_are_refused_in_every_spelling_that_some_system_takes_for_them() {
        for path in [
            ".git/config",
            "x/.git/hooks/pre-commit",
            ".GIT/config",
            ".Git",
            "git~1/config",
            "GIT~1",
            ".git./config",
            ".git /config",
            ".git...",
            ".git::$INDEX_ALLOCATION/config",
            ".g\u{200c}it/config",
            ".gitmodules",
            "a/.GitModules",
            ".husky/pre-push",
            ".pre-commit-config.yaml",
        ] {
            assert!(refusal(path, &Workspace::default()).is_some(), "{path:?}");
        }
    }

    #[test]
    fn workflows_and_secrets_are_refused_and_their_neighbours_are_not() {
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/x",
            ".gitlab-ci.yml",
            "sub/.gitlab-ci.yml",
            ".circleci/config.yml",
            "Jenkinsfile",
            ".travis.yml",
            "azure-pipelines.yml",
            ".env",
            ".ENV",
            "api/.env.production",
            "prod.env",
            ".env.local",
            "certs/server.pem",
            "id_rsa",
            "deploy/id_ed25519.pub",
            ".npmrc",
            ".ssh/config",
            ".aws/credentials",
            "tls.key",
            "gcp-service-account.json",
        ] {
            assert!(refusal(path, &Workspace::default()).is_some(), "{path:?}");
        }
        for path in [
            ".env.example",
            "env.py",
            "environment.yml",
            "src/env/index.js",
            ".gitignore",
            ".gitattributes",
            ".dockerignore",
            "github/x.py",
            ".docker/Dockerfile",
            "keys.py",
            "monkey.txt",
            "Dockerfile",
            "git/x",
            "docs/credentials.md",
            "src/secrets.py",
            "package.json",
        ] {
            assert_eq!(refusal(path, &Workspace::default()), None, "{path}");
        }
    }

    #[test]
    fn nothing_is_written_below_a_link_a_file_or_a_submodule() {
        let mut workspace = Workspace::of(&[("file", "x")]);
        for (path, content) in [("link", Content::Link("/etc".into())), ("module", Content::Submodule)] {
            workspace.insert(path, File { content, executable: false });
        }
        for path in ["link/x", "link/a/b", "file/x", "module/x"] {
            assert!(refusal(path, &workspace).is_some(), "{path}");
        }
        assert_eq!(refusal("linked/x", &workspace), None);
    }

    #[test]
    fn tests_are_known_by_folder_and_name() {
        for path in
            ["tests/a.py", "src/__tests__/a.js", "test_x.py", "pkg/x_test.go", "x.spec.ts", "conftest.py", "e2e/a.js"]
        {
            assert!(is_test(path), "{path}");
        }
        for path in ["contest.py", "src/latest.py", "attest/x.py", "Dockerfile", "requirements-test.txt", "testing.md"]
        {
            assert!(!is_test(path), "{path}");
        }
    }
}
