//! Repositories in every odd state: a run heals around what is the user's, or says why it cannot, and touches nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::scene::{DOCKERFILE, Run, Scene, broken_script, finish};

/// A service whose Dockerfile holds a stray line, pushed and failed, in a repository that `prepare` has arranged before.
async fn broken(prepare: impl FnOnce(&Scene)) -> Scene {
    let scene = Scene::start().await;
    prepare(&scene);
    scene.ship(&broken_script()).await;
    scene.break_line().await;
    scene
}

/// Everything that is the user's in `dir`: files but for the Dockerfile with their kinds, the index, what git sees.
fn theirs(scene: &Scene, dir: &Path) -> (BTreeMap<PathBuf, String>, String, String) {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let meta = fs::symlink_metadata(&path).unwrap();
            if [".git", "memory", "artifacts", "Dockerfile"].contains(&name.as_str()) {
                continue;
            }
            if meta.is_symlink() {
                found.insert(path.clone(), format!("link to {}", fs::read_link(&path).unwrap().display()));
            } else if meta.is_dir() {
                walk(&path, found);
            } else {
                found.insert(path.clone(), format!("{:o} {:?}", meta.permissions().mode(), fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(dir, &mut files);
    let index = scene.git_in(dir, &["ls-files", "-s", "-v"]);
    let index = index.lines().filter(|line| !line.ends_with("\tDockerfile")).collect::<Vec<_>>().join("\n");
    (files, index, scene.git_in(dir, &["status", "--porcelain"]))
}

async fn deploy_in(scene: &Scene, dir: &Path) -> Run {
    let mut command = scene.quick(&["deploy"]);
    command.current_dir(dir);
    finish(command).await
}

/// A run in `dir` heals the service and leaves what is the user's as it was.
async fn heals_around(scene: &Scene, dir: &Path) -> Run {
    let before = theirs(scene, dir);
    let run = deploy_in(scene, dir).await.expect(0);
    assert_eq!(run.end()["outcome"], "healed", "{}", run.stdout);
    assert_eq!(theirs(scene, dir), before);
    let changed = scene.git_in(scene.sandbox.remote(), &["show", "--format=", "--name-only", "main"]);
    assert_eq!(changed.trim(), "Dockerfile");
    run
}

/// A run ends with `code` and all `words`; no ref, no file and nothing on the remote is changed.
async fn left_alone(scene: &Scene, code: i32, words: &[&str]) {
    let refs = || (scene.git(&["show-ref"]), scene.git_in(scene.sandbox.remote(), &["show-ref"]));
    let before = (theirs(scene, &scene.work), refs(), scene.read("Dockerfile"));
    let run = deploy_in(scene, &scene.work).await;
    assert_eq!(run.code, Some(code), "{}\n{}", run.stdout, run.stderr);
    for word in words {
        assert!(run.says(word), "{word} is not in:\n{}", run.stdout);
    }
    assert_eq!((theirs(scene, &scene.work), refs(), scene.read("Dockerfile")), before);
}

#[tokio::test]
async fn staged_unstaged_untracked_hidden_and_conflicting_files_stay() {
    let scene = broken(|scene| {
        for name in ["staged.txt", "both.txt", "deleted.txt", "removed.txt", "assumed.txt", "skipped.txt", "mode.sh"] {
            scene.write(name, "one\n");
        }
        scene.write(".gitignore", "ignored.txt\n");
    })
    .await;
    scene.write("staged.txt", "two\n");
    scene.write("both.txt", "two\n");
    scene.git(&["add", "staged.txt", "both.txt"]);
    scene.write("both.txt", "three\n");
    fs::remove_file(scene.work.join("deleted.txt")).unwrap();
    scene.git(&["rm", "-q", "removed.txt"]);
    scene.git(&["update-index", "--assume-unchanged", "assumed.txt"]);
    scene.git(&["update-index", "--skip-worktree", "skipped.txt"]);
    scene.write("assumed.txt", "mine\n");
    scene.write("skipped.txt", "mine\n");
    scene.write("intended.txt", "later\n");
    scene.git(&["add", "-N", "intended.txt"]);
    scene.write("untracked.txt", "mine\n");
    scene.write("ignored.txt", "mine\n");
    scene.write("a folder\twith\u{202e}signs/ü.txt", "mine\n");
    fs::set_permissions(scene.work.join("mode.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    heals_around(&scene, &scene.work).await;
}

#[tokio::test]
async fn a_submodule_with_changes_of_its_own_stays() {
    let scene = broken(|scene| {
        let library = scene.folder.path().join("library");
        scene.git_in(scene.folder.path(), &["init", "-q", "library"]);
        fs::write(library.join("lib.txt"), "one\n").unwrap();
        scene.git_in(&library, &["add", "-A"]);
        scene.git_in(&library, &["commit", "-q", "-m", "A library"]);
        let library = library.display().to_string();
        scene.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &library, "vendor/library"]);
    })
    .await;
    scene.write("vendor/library/lib.txt", "two\n");
    scene.write("vendor/library/new.txt", "mine\n");
    heals_around(&scene, &scene.work).await;
    let entry = scene.git_in(scene.sandbox.remote(), &["ls-tree", "main", "vendor/library"]);
    assert!(entry.starts_with("160000 commit"), "{entry}");
}

#[tokio::test]
async fn files_behind_a_filter_such_as_lfs_stay_as_pointers_and_as_files() {
    let driver = |scene: &Scene| {
        // What git-lfs does, in small: a pointer in the repository, the content in the work tree.
        let clean = scene.folder.path().join("home/clean");
        scene.executable(&clean, "#!/bin/sh\nsum=$(sha256sum | cut -c1-64)\necho \"version https://git-lfs.github.com/spec/v1\"\necho \"oid sha256:$sum\"\n");
        scene.git(&["config", "filter.lfs.clean", &clean.display().to_string()]);
        scene.git(&["config", "filter.lfs.smudge", "sed s/version/content/"]);
        scene.git(&["config", "filter.lfs.required", "true"]);
    };
    let scene = broken(|scene| {
        driver(scene);
        scene.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
        scene.write("model.bin", "many megabytes\n");
        scene.write("other.bin", "many more\n");
    })
    .await;
    let pointer = scene.shipped_file("model.bin");
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    scene.write("other.bin", "changed, not committed\n");
    heals_around(&scene, &scene.work).await;
    assert_eq!(scene.shipped_file("model.bin"), pointer);
}

#[tokio::test]
async fn links_are_neither_followed_nor_changed() {
    let scene = broken(|scene| {
        let outside = scene.folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("theirs.txt"), "theirs\n").unwrap();
        for (target, name) in [(outside.to_str().unwrap(), "out"), ("main.py", "same"), ("nowhere", "dangling")] {
            fs::create_dir_all(&scene.work).unwrap();
            symlink(target, scene.work.join(name)).unwrap();
        }
    })
    .await;
    heals_around(&scene, &scene.work).await;
    assert_eq!(fs::read_dir(scene.folder.path().join("outside")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_check_that_mends_writes_through_no_link() {
    let scene = broken(|_| {}).await;
    scene.write("api/Dockerfile", &format!("{DOCKERFILE}BROKEN LINE\n"));
    scene.commit("Below");
    let outside = scene.folder.path().join("outside");
    fs::rename(scene.work.join("api"), &outside).unwrap();
    symlink(&outside, scene.work.join("api")).unwrap();
    let before = fs::read(outside.join("Dockerfile")).unwrap();
    let run = finish(scene.program(&["check", "--fix", "--offline", "--dockerfile", "api/Dockerfile"])).await;
    assert_eq!(fs::read(outside.join("Dockerfile")).unwrap(), before, "{}", run.stdout);
}

#[tokio::test]
async fn a_check_that_mends_gives_a_script_its_executable_bit() {
    let scene = broken(|_| {}).await;
    scene.write("Dockerfile", "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nENTRYPOINT [\"./start.sh\"]\n");
    scene.write("start.sh", "#!/bin/sh\nexec python -m http.server ${PORT:-8000}\n");
    scene.commit("A script");
    let run = finish(scene.program(&["check", "--fix", "--offline"])).await;
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    let mode = fs::metadata(scene.work.join("start.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{}", run.stdout);
    assert_eq!(scene.git(&["diff", "--summary"]).trim(), "mode change 100644 => 100755 start.sh");
    let again = finish(scene.program(&["check", "--offline"])).await;
    assert_eq!(again.code, Some(0), "{}", again.stdout);
}

#[tokio::test]
async fn line_ends_are_as_the_attributes_say() {
    for (attributes, in_tree, in_commit) in
        [("* text=auto eol=crlf\n", "\r\n", "\n"), ("Dockerfile text eol=lf\n", "\n", "\n"), ("* -text\n", "\n", "\n")]
    {
        let scene = broken(|scene| scene.write(".gitattributes", attributes)).await;
        // As a clone would have it.
        fs::remove_file(scene.work.join("Dockerfile")).unwrap();
        scene.git(&["checkout", "-q", "--", "Dockerfile"]);
        heals_around(&scene, &scene.work).await;
        assert_eq!(scene.read("Dockerfile"), DOCKERFILE.replace('\n', in_tree), "{attributes}");
        assert_eq!(scene.shipped_file("Dockerfile"), DOCKERFILE.replace('\n', in_commit), "{attributes}");
        assert_eq!(scene.git(&["status", "--porcelain"]), "", "{attributes}");
    }
}

#[tokio::test]
async fn a_work_tree_beside_the_first_is_healed_and_the_first_stays() {
    let scene = broken(|_| {}).await;
    scene.git(&["checkout", "-q", "-b", "elsewhere"]);
    scene.write("mine.txt", "mine\n");
    let first = (theirs(&scene, &scene.work), scene.read("Dockerfile"), scene.head());
    scene.git(&["worktree", "add", "-q", "../second", "main"]);
    let second = scene.folder.path().join("second");
    heals_around(&scene, &second).await;
    assert_eq!(fs::read_to_string(second.join("Dockerfile")).unwrap(), DOCKERFILE);
    assert_eq!((theirs(&scene, &scene.work), scene.read("Dockerfile"), scene.head()), first);
}

#[tokio::test]
async fn shallow_and_partial_clones_are_enough() {
    for (options, name) in [(&["--depth", "1"][..], "shallow"), (&["--filter=blob:none"], "partial")] {
        let scene = broken(|scene| scene.write("docs/a.txt", "a\n")).await;
        scene.git_in(scene.sandbox.remote(), &["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", scene.sandbox.remote().display());
        scene.git_in(scene.folder.path(), &[&["clone", "-q"][..], options, &[&url, name]].concat());
        let clone = scene.folder.path().join(name);
        scene.git_in(&clone, &["remote", "set-url", "origin", &scene.sandbox.remote().display().to_string()]);
        heals_around(&scene, &clone).await;
        assert_eq!(fs::read_to_string(clone.join("Dockerfile")).unwrap(), DOCKERFILE, "{name}");
    }
}

#[tokio::test]
async fn a_sparse_checkout_stays_sparse() {
    let scene = broken(|scene| {
        scene.write("docs/a.txt", "a\n");
        scene.write("src/b.txt", "b\n");
    })
    .await;
    scene.git(&["sparse-checkout", "set", "--cone", "--no-sparse-index", "src"]);
    heals_around(&scene, &scene.work).await;
    assert!(!scene.work.join("docs").exists());
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

/// A key for signing with ssh, trusted for Ada.
fn signing_key(scene: &Scene) -> String {
    let key = scene.folder.path().join("home/signing");
    let made =
        scene.scrubbed("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).as_std_mut().output();
    assert!(made.unwrap().status.success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let trusted = scene.folder.path().join("home/trusted");
    fs::write(&trusted, format!("ada@example.org {public}")).unwrap();
    for (name, value) in [("gpg.format", "ssh"), ("gpg.ssh.allowedSignersFile", trusted.to_str().unwrap())] {
        scene.git(&["config", name, value]);
    }
    key.display().to_string()
}

#[tokio::test]
async fn commits_are_signed_where_the_user_signs_theirs() {
    let scene = broken(|_| {}).await;
    let key = signing_key(&scene);
    scene.git(&["config", "user.signingkey", &key]);
    scene.git(&["config", "commit.gpgsign", "true"]);
    heals_around(&scene, &scene.work).await;
    scene.git(&["verify-commit", "HEAD"]);
    let who = scene.git(&["log", "-1", "--format=%G? %GS %an <%ae> %cn"]);
    assert_eq!(who.trim(), "G ada@example.org Ada <ada@example.org> Ada");
    assert_eq!(scene.head(), scene.shipped());
}

#[tokio::test]
async fn a_fix_that_cannot_be_signed_is_not_released() {
    let scene = broken(|_| {}).await;
    scene.git(&["config", "gpg.format", "ssh"]);
    scene.git(&["config", "user.signingkey", "/nowhere/key"]);
    scene.git(&["config", "commit.gpgsign", "true"]);
    left_alone(&scene, 1, &["commit.gpgsign", "could not sign", "unlock your key"]).await;
}

#[tokio::test]
async fn a_merge_or_rebase_in_progress_is_finished_by_its_owner_first() {
    for (what, words) in [("merge", "a merge is in progress"), ("rebase", "a rebase is in progress")] {
        let scene = broken(|scene| scene.write("notes.txt", "one\n")).await;
        scene.git(&["checkout", "-q", "-b", "other"]);
        scene.write("notes.txt", "theirs\n");
        scene.git(&["commit", "-q", "-am", "Theirs"]);
        scene.git(&["checkout", "-q", "main"]);
        scene.write("notes.txt", "ours\n");
        scene.git(&["commit", "-q", "-am", "Ours"]);
        let stopped = scene.scrubbed("git").current_dir(&scene.work).args([what, "other"]).as_std_mut().output();
        assert!(!stopped.unwrap().status.success(), "it conflicts");
        left_alone(&scene, 1, &[words, "finish or abort it first"]).await;
    }
}

#[tokio::test]
async fn without_a_branch_nothing_is_done() {
    let scene = broken(|_| {}).await;
    scene.git(&["checkout", "-q", "--detach"]);
    left_alone(&scene, 1, &["no branch is checked out", "git switch"]).await;
    scene.git(&["checkout", "-q", "--orphan", "fresh"]);
    left_alone(&scene, 1, &["`fresh` has no commit yet"]).await;
}

#[tokio::test]
async fn the_users_hooks_are_heeded_or_it_is_said_why_not() {
    let scene = broken(|_| {}).await;
    for hook in ["pre-commit", "commit-msg"] {
        scene.executable(&scene.work.join(".git/hooks").join(hook), "#!/bin/sh\nexit 1\n");
    }
    scene.executable(&scene.work.join(".git/hooks/pre-push"), "#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n");
    let said = "is not run for fix commits: it would see your index and files";
    left_alone(&scene, 1, &["your pre-push hook refused", "not on a Friday", "the `pre-commit` hook", said]).await;
    fs::remove_file(scene.work.join(".git/hooks/pre-push")).unwrap();
    let run = heals_around(&scene, &scene.work).await;
    assert!(run.says("the `commit-msg` hook is not run"), "{}", run.stdout);
}

#[tokio::test]
async fn a_remote_that_moves_at_every_push_is_given_up_on() {
    let scene = broken(|_| {}).await;
    let rival = scene.folder.path().join("rival");
    let remote = scene.sandbox.remote().display().to_string();
    scene.git_in(scene.folder.path(), &["clone", "-q", &remote, "rival"]);
    let rival = rival.display();
    let hook = format!(
        "#!/bin/sh\nunset GIT_DIR\ncd {rival} && git pull -q origin main && git commit -q --allow-empty -m '[skip render] rival' && git push -q origin HEAD:main\n"
    );
    scene.executable(&scene.work.join(".git/hooks/pre-push"), &hook);
    let run = scene.deploy(&[]).await.expect(1);
    assert!(run.says("the remote refused the push"), "{}", run.stdout);
    let rivals = scene.subjects().iter().filter(|subject| subject.contains("rival")).count();
    assert_eq!(rivals, 3, "so often was it tried");
    assert!(scene.shipped_file("Dockerfile").contains("BROKEN"), "nobody's work was overwritten");
    assert!(scene.read("Dockerfile").contains("BROKEN"));
}

#[tokio::test]
async fn a_configuration_that_forces_pushes_forces_none_of_ours() {
    let scene = broken(|_| {}).await;
    scene.git(&["config", "remote.origin.push", "+refs/heads/*:refs/heads/*"]);
    scene.git(&["config", "push.default", "matching"]);
    scene.git(&["branch", "private"]);
    heals_around(&scene, &scene.work).await;
    let refs = scene.git_in(scene.sandbox.remote(), &["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(refs.trim(), "refs/heads/main");
    scene.git(&["config", "remote.origin.mirror", "true"]);
    scene.append("main.py", "print('more')\n");
    scene.commit("More");
    let before = scene.shipped();
    let run = scene.deploy(&[]).await;
    let refs = scene.git_in(scene.sandbox.remote(), &["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(refs.trim(), "refs/heads/main", "{}", run.stdout);
    assert_eq!((run.code, scene.shipped()), (Some(1), before), "a mirror takes no single branch, and is told of");
}
