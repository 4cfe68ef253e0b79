//! A version manager's Python, made to look like the one of the official image.

use std::fs;
use std::path::{Path, PathBuf};

use super::{files, on};

/// Programs that belong to Python itself.
const PROGRAMS: &[&str] = &["python", "pip", "idle", "pydoc", "2to3"];

/// The last version whose image brings more than pip.
const LAST_WITH_SETUPTOOLS: u32 = 11;

/// Fills `folder` with the packages that the image has.
pub(super) fn packages(installation: &Path, python: &str, folder: &Path) -> Result<(), String> {
    let minor: u32 = python.rsplit('.').next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    let kept: &[&str] = if minor <= LAST_WITH_SETUPTOOLS {
        &["pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack", "distutils-precedence.pth"]
    } else {
        &["pip"]
    };
    let from = installation.join(site_packages(python));
    fs::create_dir_all(folder).map_err(on("make", folder.display()))?;
    for entry in fs::read_dir(&from).map_err(on("read", from.display()))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if kept.contains(&name.split('-').next().unwrap_or(&name)) || kept.contains(&name.as_str()) {
            copy(&entry.path(), &folder.join(name))?;
        }
    }
    Ok(())
}

/// Where packages lie below a prefix.
pub(super) fn site_packages(python: &str) -> PathBuf {
    PathBuf::from(format!("lib/python{python}/site-packages"))
}

/// Takes away the programs of other packages, and tells pip where it is now.
pub(super) fn programs(prefix: &Path, installation: &Path, python: &str) -> Result<(), String> {
    let interpreter = format!("python{python}");
    for entry in fs::read_dir(installation.join("bin")).map_err(on("read", installation.display()))?.flatten() {
        let (name, path) =
            (entry.file_name().to_string_lossy().into_owned(), prefix.join("bin").join(entry.file_name()));
        let is_pythons = PROGRAMS.iter().any(|program| name.starts_with(program));
        if name.starts_with("pip") {
            let script = format!(
                "#!/usr/local/bin/{interpreter}\nimport sys\nfrom pip._internal.cli.main import main\n\
                 sys.exit(main())\n"
            );
            fs::remove_file(&path).and_then(|()| fs::write(&path, script)).map_err(on("write", path.display()))?;
            files::set_mode(&path, 0o755)?;
        } else if !is_pythons && !path.is_dir() {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if !from.is_dir() {
        return files::copy_entry(from, to).map_err(on("copy", from.display()));
    }
    fs::create_dir_all(to).map_err(on("make", to.display()))?;
    for entry in fs::read_dir(from).map_err(on("read", from.display()))?.flatten() {
        if entry.file_name() != "__pycache__" {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
