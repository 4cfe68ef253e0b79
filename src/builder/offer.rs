//! Base images that exist on this machine only: a shell, a few tools, and programs of ours. For the demo, offline.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BuildEnd, BuildSpec, Builder, BuilderError, Image, Kind};
use crate::world;

/// What a small service's build and start scripts use.
const TOOLS: &[&str] =
    &["sh", "cat", "ls", "chmod", "mkdir", "cp", "mv", "rm", "grep", "sed", "env", "sleep", "test", "touch", "id"];

/// Packing some files takes seconds; an engine that hangs must not hold up more.
const TIMEOUT: Duration = Duration::from_secs(120);

impl Builder {
    /// Makes a base image `name` known to this builder that holds `programs` by the names they are called.
    ///
    /// An engine gets a real image, made of this machine's shell and tools; `discard` removes it. Without an engine this
    /// machine stands in for base images anyway, and the programs join what it shows.
    ///
    /// # Errors
    /// When the files cannot be gathered or the engine refuses the image.
    pub async fn offer(&mut self, name: &str, programs: &BTreeMap<String, PathBuf>) -> Result<(), BuilderError> {
        let engine = match &mut self.kind {
            Kind::StandIn(stand_in) => {
                stand_in.offer(programs.clone());
                return Ok(());
            }
            Kind::Engine(engine) => engine,
        };
        let folder = tempfile::tempdir().map_err(BuilderError::on("make a folder in", Path::new("/tmp")))?;
        gather(&folder.path().join("root"), programs).await?;
        let dockerfile = folder.path().join("Dockerfile");
        let text = "FROM scratch\nCOPY root /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n";
        tokio::fs::write(&dockerfile, text).await.map_err(BuilderError::on("write", &dockerfile))?;
        let spec = BuildSpec {
            context: folder.path().to_owned(),
            dockerfile,
            build_args: BTreeMap::new(),
            tag: name.to_owned(),
            timeout: TIMEOUT,
            memory_bytes: 1 << 30,
            scratch: folder.path().join("scratch"),
        };
        let (log, mut lines) = tokio::sync::mpsc::unbounded_channel();
        let end = engine.build(&spec, &log).await?;
        drop(log);
        let mut said = String::new();
        while let Some(line) = lines.recv().await {
            said = line;
        }
        match end {
            BuildEnd::Built(Image { .. }) => Ok(()),
            _ => Err(BuilderError::Refused { said }),
        }
    }
}

/// Lays `programs`, the tools and all libraries they need below `root`.
async fn gather(root: &Path, programs: &BTreeMap<String, PathBuf>) -> Result<(), BuilderError> {
    let mut wanted: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for (name, path) in programs {
        wanted.insert(Path::new("usr/local/bin").join(name), path.clone());
    }
    for tool in TOOLS {
        let found = ["/bin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(tool)).find(|path| path.exists());
        if let Some(found) = found {
            wanted.insert(Path::new("bin").join(tool), found);
        }
    }
    let mut libraries = BTreeSet::new();
    for program in wanted.values() {
        libraries.extend(libraries_of(program).await);
    }
    wanted.extend(
        libraries
            .into_iter()
            .map(|library| (library.strip_prefix("/").unwrap_or(&library).to_owned(), library.clone())),
    );
    for folder in ["tmp", "root", "etc"] {
        let folder = root.join(folder);
        tokio::fs::create_dir_all(&folder).await.map_err(BuilderError::on("make", &folder))?;
    }
    for (at, from) in wanted {
        let to = root.join(at);
        let parent = to.parent().unwrap_or(root);
        tokio::fs::create_dir_all(parent).await.map_err(BuilderError::on("make", parent))?;
        tokio::fs::copy(&from, &to).await.map_err(BuilderError::on("copy", &from))?;
    }
    Ok(())
}

/// Shared libraries of `program`, as `ldd` lists them; none for a static one.
async fn libraries_of(program: &Path) -> Vec<PathBuf> {
    let Ok(output) = world::command("ldd").arg(program).output().await else { return vec![] };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    words.map(PathBuf::from).filter(|path| path.is_file()).collect()
}
