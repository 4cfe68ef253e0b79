//! git, against real repositories with real remotes.

mod advancing;
mod remotes;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use domain_runner::git::{GitError, Relation, Repo};
use domain_runner::remedy::{Edit, apply};
use domain_runner::service::Commit;
use domain_runner::workspace::{Content, Workspace};
use domain_runner::world;

const DOCKERFILE: &str = "FROM a\nRUN b\nCMD c\n";

/// A clone with one commit, beside its bare remote.
struct Place {
    dir: tempfile::TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("work");
        git(dir.path(), &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        git(dir.path(), &["init", "-q", "-b", "main", "work"]);
        for pair in [["user.name", "Ada"], ["user.email", "ada@example.org"], ["commit.gpgsign", "false"]] {
            git(&root, &["config", pair[0], pair[1]]);
        }
        git(&root, &["remote", "add", "origin", "../remote.git"]);
        let place = Self { dir, root };
        place.write("Dockerfile", DOCKERFILE);
        place.write("notes.txt", "one\n");
        place.commit_all("first");
        git(&place.root, &["push", "-q", "-u", "origin", "main"]);
        place
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).expect("a file")
    }

    fn commit_all(&self, message: &str) {
        git(&self.root, &["add", "-A"]);
        git(&self.root, &["commit", "-q", "-m", message]);
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(&self.root, arguments)
    }

    fn status(&self) -> String {
        self.git(&["status", "--porcelain"])
    }

    fn repo(&self) -> Repo {
        Repo::open(&self.root).expect("a repository")
    }

    fn remote(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    /// A fix on the tip of `main` that edits line 2 of the Dockerfile; not yet on any branch.
    fn fix(&self) -> (Commit, Commit) {
        let repo = self.repo();
        let parent = repo.tip("main").expect("a tip");
        let commit = fix_on(&repo, &parent, "Dockerfile", 2, "RUN fixed");
        (parent, commit)
    }

    /// Someone else pushes a commit to the remote.
    fn colleague_pushes(&self) {
        let clone = self.dir.path().join("colleague");
        git(self.dir.path(), &["clone", "-q", "remote.git", "colleague"]);
        fs::write(clone.join("theirs.txt"), "theirs\n").expect("a file");
        git(&clone, &["add", "-A"]);
        git(&clone, &["-c", "user.name=Bob", "-c", "user.email=b@example.org", "commit", "-q", "-m", "theirs"]);
        git(&clone, &["push", "-q", "origin", "HEAD:main"]);
    }
}

fn fix_on(repo: &Repo, parent: &Commit, path: &str, line: usize, text: &str) -> Commit {
    let before = repo.workspace(parent).expect("a workspace");
    let edit = Edit::replace(&before, path, line, line, &[text]).expect("an edit");
    let after = apply(&[edit], &before).expect("it fits");
    repo.commit_workspace_change(parent, &before, &after, "Fix it").expect("a commit")
}

/// What the user's own git says, without this machine's configuration.
fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = world::command("git");
    command.current_dir(dir).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.as_std_mut().output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_repository_is_found_from_below_and_refused_when_bare_or_missing() {
    let place = Place::new();
    place.write("services/api/Dockerfile", DOCKERFILE);
    let repo = Repo::open(&place.root.join("services/api")).expect("a repository");
    assert_eq!(repo.prefix(), "services/api");
    assert_eq!(repo.root(), place.root.canonicalize().expect("a path"));
    assert_eq!(place.repo().prefix(), "");
    assert!(matches!(Repo::open(&place.remote()), Err(GitError::Bare { .. })));
    assert!(matches!(Repo::open(&place.root.join(".git/refs")), Err(GitError::NotARepository { .. })));
    let missing = Repo::open(place.dir.path()).expect_err("no repository").to_string();
    assert!(missing.contains("is not a git repository") && missing.contains("git init"), "{missing}");
}

#[test]
fn a_detached_head_and_an_unborn_branch_are_no_place_to_commit_to() {
    let place = Place::new();
    assert_eq!(place.repo().branch().expect("a branch"), "main");
    place.git(&["checkout", "-q", "--detach"]);
    assert!(matches!(place.repo().branch(), Err(GitError::Detached)));
    assert!(place.repo().head().is_ok());
    place.git(&["checkout", "-q", "--orphan", "fresh"]);
    assert!(matches!(place.repo().branch(), Err(GitError::Unborn { branch }) if branch == "fresh"));
    assert!(matches!(place.repo().head(), Err(GitError::Unborn { .. })));
}

#[test]
fn the_remote_is_the_branchs_own_else_origin_else_the_only_one() {
    let place = Place::new();
    let repo = place.repo();
    assert_eq!(repo.remote_for("main", None).expect("a remote"), "origin");
    place.git(&["remote", "add", "fork", "https://me:hunter2@example.org/x.git"]);
    assert_eq!(repo.remote_for("other", None).expect("a remote"), "origin");
    place.git(&["config", "branch.main.remote", "fork"]);
    assert_eq!(repo.remote_for("main", None).expect("a remote"), "fork");
    assert_eq!(repo.remote_for("main", Some("origin")).expect("a remote"), "origin");
    assert!(matches!(repo.remote_for("main", Some("nope")), Err(GitError::NoSuchRemote { .. })));
    assert_eq!(repo.remote_url("fork").as_deref(), Some("https://example.org/x.git"));
    place.git(&["remote", "remove", "origin"]);
    assert_eq!(repo.remote_for("other", None).expect("a remote"), "fork");
    place.git(&["remote", "remove", "fork"]);
    assert!(matches!(repo.remote_for("main", None), Err(GitError::NoRemote)));
}

#[test]
fn a_workspace_tells_files_links_submodules_and_permissions_apart() {
    let place = Place::new();
    let head = place.git(&["rev-parse", "HEAD"]);
    place.write("start.sh", "#!/bin/sh\r\n");
    fs::set_permissions(place.root.join("start.sh"), fs::Permissions::from_mode(0o755)).expect("mode");
    fs::write(place.root.join("big.bin"), vec![0; (1 << 20) + 1]).expect("a file");
    std::os::unix::fs::symlink("../elsewhere", place.root.join("link")).expect("a link");
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},vendor/lib", head.trim())]);
    place.git(&["add", "start.sh", "big.bin", "link"]);
    place.git(&["commit", "-q", "-m", "kinds"]);
    let repo = place.repo();
    let commit = repo.head().expect("a head");
    let workspace = repo.workspace(&commit).expect("a workspace");
    let content = |path: &str| workspace.file(path).map(|file| file.content.clone());
    assert_eq!(workspace.bytes("start.sh"), Some(&b"#!/bin/sh\r\n"[..]));
    assert!(workspace.file("start.sh").is_some_and(|file| file.executable));
    assert_eq!(content("big.bin"), Some(Content::Unread { size_bytes: (1 << 20) + 1 }));
    assert_eq!(content("link"), Some(Content::Link("../elsewhere".to_owned())));
    assert_eq!(content("vendor/lib"), Some(Content::Submodule));

    let fixed = fix_on(&repo, &commit, "start.sh", 1, "#!/bin/bash");
    let changed = place.git(&["diff-tree", "-r", "--name-status", &commit.0, &fixed.0]);
    assert_eq!(changed, "M\tstart.sh\n", "kinds that were not edited stay, the submodule above all");
    assert_eq!(repo.workspace(&fixed).expect("a workspace").text("start.sh"), Some("#!/bin/bash\r\n"));
    assert!(place.git(&["ls-tree", &fixed.0, "start.sh"]).starts_with("100755"));
}

#[test]
fn a_commit_touches_neither_index_nor_files_nor_branches() {
    let place = Place::new();
    place.write("notes.txt", "staged\n");
    place.git(&["add", "notes.txt"]);
    place.write("notes.txt", "unstaged\n");
    place.write("new.txt", "untracked\n");
    let (index, head) = (fs::read(place.root.join(".git/index")).expect("index"), place.git(&["rev-parse", "HEAD"]));
    let status = place.status();
    let (parent, fix) = place.fix();
    assert_eq!(fs::read(place.root.join(".git/index")).expect("index"), index);
    assert_eq!((place.git(&["rev-parse", "HEAD"]), place.status()), (head, status));
    assert_eq!(place.repo().message_of(&fix).expect("a message"), "Fix it\n");
    assert_eq!(place.git(&["show", "-s", "--format=%an <%ae> %cn", &fix.0]).trim(), "Ada <ada@example.org> Ada");
    assert_eq!(place.repo().commits_between(&parent, &fix).expect("commits"), std::slice::from_ref(&fix));
    assert_eq!(place.repo().relation(&fix, Some(&parent)).expect("relation"), Relation::Ahead(1));
}

#[test]
fn a_commit_adds_removes_and_refuses_what_it_did_not_read() {
    let place = Place::new();
    let repo = place.repo();
    let parent = repo.head().expect("a head");
    let before = repo.workspace(&parent).expect("a workspace");
    let mut after =
        apply(&[Edit::Create { path: "a/b/run.sh".into(), text: "#!/bin/sh\n".into() }], &before).expect("fits");
    after.remove("notes.txt");
    let commit = repo.commit_workspace_change(&parent, &before, &after, "x").expect("a commit");
    assert_eq!(repo.workspace(&commit).expect("a workspace"), after);
    let mut emptied = after.clone();
    emptied.remove("a/b/run.sh");
    let emptied = repo.commit_workspace_change(&commit, &after, &emptied, "x").expect("a commit");
    assert_eq!(place.git(&["ls-tree", "-r", "-t", "--name-only", &emptied.0]), "Dockerfile\n");

    let stale = Workspace::of(&[("Dockerfile", "FROM other\n")]);
    let edited = Workspace::of(&[("Dockerfile", "FROM edited\n")]);
    let refused = repo.commit_workspace_change(&parent, &stale, &edited, "x");
    assert!(matches!(refused, Err(GitError::FileMoved { path, .. }) if path == "Dockerfile"));
    let nothing = repo.commit_workspace_change(&parent, &before, &before, "x");
    assert!(matches!(nothing, Err(GitError::NothingToCommit)));
}

#[test]
fn the_users_own_changes_are_seen_and_can_be_committed() {
    let place = Place::new();
    place.write("notes.txt", "mine\n");
    place.write("staged.txt", "new\n");
    place.git(&["add", "staged.txt"]);
    place.write("untracked.txt", "x\n");
    fs::remove_file(place.root.join("Dockerfile")).expect("removed");
    let repo = place.repo();
    let dirty = repo.dirty().expect("a list");
    assert_eq!(dirty, ["Dockerfile", "notes.txt", "staged.txt"]);
    let working = repo.working_workspace().expect("a workspace");
    assert_eq!(working.paths().collect::<Vec<_>>(), ["notes.txt", "staged.txt"]);
    assert_eq!(working.text("notes.txt"), Some("mine\n"));
    fs::write(place.root.join("notes.txt"), vec![b'x'; (1 << 20) + 1]).expect("a file");
    let large = repo.working_workspace().expect("a workspace").file("notes.txt").map(|file| file.content.clone());
    assert_eq!(large, Some(Content::Unread { size_bytes: (1 << 20) + 1 }));
    place.write("notes.txt", "mine\n");
    let head = repo.head().expect("a head");
    let commit = repo.commit_changes_of_tracked(&head, &dirty, "Mine").expect("a commit");
    assert_eq!(repo.workspace(&commit).expect("a workspace"), working);
    let untracked = repo.commit_changes_of_tracked(&head, &["untracked.txt".to_owned()], "x");
    assert!(matches!(untracked, Err(GitError::Uncommittable { .. })));
    let advanced = repo.advance("main", &head, &commit).expect("moved");
    assert_eq!(advanced.kept, []);
    assert_eq!(place.status(), "?? untracked.txt\n");
}

#[test]
fn what_we_leave_behind_is_excluded_once_for_all_worktrees() {
    let place = Place::new();
    place.git(&["worktree", "add", "-q", "../second", "-b", "second"]);
    let second = Repo::open(&place.dir.path().join("second")).expect("a repository");
    for _ in 0..2 {
        second.exclude(&["/memory/", "/artifacts/"]).expect("excluded");
    }
    place.write("memory/x.json", "{}");
    assert_eq!(place.status(), "");
    let text = place.read(".git/info/exclude");
    assert_eq!(text.matches("/memory/").count(), 1);
}

#[test]
fn hooks_that_are_not_run_are_told_with_the_reason() {
    let place = Place::new();
    assert_eq!(place.repo().notes(), Vec::<String>::new());
    hook(&place.root.join(".git"), "pre-commit", "exit 1");
    hook(&place.root.join(".git"), "pre-push", "exit 0");
    assert_eq!(place.repo().hooks_present(), ["pre-commit", "pre-push"]);
    assert_eq!(
        place.repo().notes(),
        [
            "the `pre-commit` hook is not run for fix commits: it would see your index and files, which a fix leaves alone"
        ]
    );
}

fn hook(git_folder: &Path, name: &str, body: &str) {
    let path = git_folder.join("hooks").join(name);
    fs::create_dir_all(git_folder.join("hooks")).expect("a folder");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a hook");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
}
