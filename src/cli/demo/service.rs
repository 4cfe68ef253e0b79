//! The demo's service: a guestbook with three faults, of three different stages.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;

/// An image that exists on this machine only.
pub const BASE_IMAGE: &str = "guestbook-base:1";

const FILES: &[(&str, &str)] = &[
    (
        "Dockerfile",
        "# A guestbook: one page, a list of entries, a health check.\n\
         FROM guestbook-base:1\n\
         \n\
         WORKDRI /app\n\
         COPY Pages/ pages/\n\
         COPY start.sh ./\n\
         RUN ls pages\n\
         \n\
         EXPOSE 8000\n\
         CMD [\"./start.sh\"]\n",
    ),
    (
        "start.sh",
        "#!/bin/sh\nset -e\necho \"opening the guestbook\"\nexec guestbook --host 127.0.0.1 --port 8000 --pages pages\n",
    ),
    (
        "pages/index.html",
        "<!doctype html>\n<title>Guestbook</title>\n<h1>Guestbook</h1>\n<p>Leave a line: POST /entries\n",
    ),
    ("README.md", "# Guestbook\n\nEverybody may leave a line.\n"),
    (".dockerignore", ".git\nREADME.md\n"),
];

/// Writes the service.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        let parent = path.parent().context("a parent")?;
        std::fs::create_dir_all(parent)?;
        std::fs::write(&path, text)?;
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Makes it a repository with one commit and `remote` as its origin.
pub fn connect(folder: &Path, remote: &str) -> anyhow::Result<()> {
    let mut options = git2::RepositoryInitOptions::new();
    options.initial_head("main");
    let repo = git2::Repository::init_opts(folder, &options)?;
    let mut config = repo.config()?;
    config.set_str("user.name", "domain-runner demo")?;
    config.set_str("user.email", "demo@localhost")?;
    let mut index = repo.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repo.find_tree(index.write_tree()?)?;
    let who = repo.signature()?;
    repo.commit(Some("HEAD"), &who, &who, "A guestbook\n", &tree, &[])?;
    repo.remote("origin", remote)?;
    Ok(())
}
