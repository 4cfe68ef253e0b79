//! Preflight: what the real binary foresees in files alone, what `check --fix` makes of it, and where it has to be silent.
#![allow(clippy::unwrap_used, reason = "a test may panic; clippy knows only the annotated functions")]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use domain_runner::world;
use serde_json::Value;
use tempfile::TempDir;

mod images;
mod index;
mod node;
mod python;
mod toolchains;

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9/simple";

/// Path and text of each file. A path that ends with `*` (left out of the name) is executable.
type Files<'a> = &'a [(&'a str, &'a str)];

/// A repository on disk.
struct Project {
    folder: TempDir,
    index: String,
}

impl Project {
    fn of(files: Files<'_>, changes: Files<'_>) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), index: NOWHERE.to_owned() };
        project.git(&["init", "-q", "-b", "main"]);
        for (path, text) in files.iter().chain(changes) {
            let (name, mode) = path.strip_suffix('*').map_or((*path, 0o644), |name| (name, 0o755));
            let full = project.path(name);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(&full, text).unwrap();
            fs::set_permissions(&full, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        project.git(&["add", "-A", "-f"]);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) {
        let mut command = self.scrubbed("git");
        assert!(command.args(arguments).as_std_mut().status().unwrap().success(), "git {arguments:?}");
    }

    fn scrubbed(&self, program: &str) -> tokio::process::Command {
        let mut command = world::command(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("PIP_INDEX_URL", &self.index).env("npm_config_registry", NOWHERE);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// What `check` says, and how it ends.
    async fn check(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let mut command = self.scrubbed(env!("CARGO_BIN_EXE_domain-runner"));
        command.args(["--json", "check"]).args(arguments).stdout(Stdio::piped());
        let output = command.output().await.unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), said["items"].as_array().unwrap().clone())
    }
}

fn classes(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["class"].as_str().unwrap()).collect()
}

/// A service that fails in just this way.
struct Broken<'a> {
    class: &'a str,
    files: Files<'a>,
    /// What a file holds once it is mended; without any, nobody can mend it.
    mended: Files<'a>,
    /// Changes of it, each of which works.
    working: &'a [Files<'a>],
}

impl Broken<'_> {
    /// It is found, mended, and not spoken of any more; its working siblings are not spoken of at all.
    async fn prove(&self, index: Option<&str>) {
        let laid = |changes| {
            let mut project = Project::of(self.files, changes);
            project.index = index.unwrap_or(NOWHERE).to_owned();
            project
        };
        let project = laid(&[]);
        let offline: &[&str] = if index.is_some() { &[] } else { &["--offline"] };
        let (code, found) = project.check(offline).await;
        assert_eq!((code, classes(&found)), (Some(8), vec![self.class]), "{found:#?}");
        let (code, _) = project.check(&[offline, &["--fix"]].concat()).await;
        for (path, wanted) in self.mended {
            let text = fs::read_to_string(project.path(path)).unwrap();
            assert!(text.contains(wanted), "{}: {path} became\n{text}", self.class);
        }
        let (again, left) = project.check(offline).await;
        let ends = if self.mended.is_empty() { Some(8) } else { Some(0) };
        assert_eq!((code, again), (ends, ends), "{}: {left:#?}", self.class);
        for changes in self.working {
            let (code, said) = laid(changes).check(offline).await;
            assert_eq!((code, classes(&said)), (Some(0), vec![]), "{} in {changes:?}: {said:#?}", self.class);
        }
    }
}
