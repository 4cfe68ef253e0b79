//! Moving the local branch around what the user has not committed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use domain_runner::git::{Advanced, GitError, Repo};
use domain_runner::service::Commit;

use super::{DOCKERFILE, Place, fix_on};

const FIXED: &str = "FROM a\nRUN fixed\nCMD c\n";

fn advance(place: &Place) -> Advanced {
    let (parent, fix) = place.fix();
    let advanced = place.repo().advance("main", &parent, &fix).expect("moved");
    assert_eq!(place.repo().tip("main").expect("a tip"), fix);
    advanced
}

#[test]
fn a_clean_work_tree_follows_and_is_clean_again() {
    let place = Place::new();
    let advanced = advance(&place);
    assert_eq!(advanced.updated, ["Dockerfile"]);
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (FIXED, ""));
    // Plumbing does not look into files: the index must know that they were just written.
    assert_eq!(place.git(&["diff-files", "--name-only"]), "");
    assert!(place.git(&["reflog", "-1", "main"]).contains("domain-runner"));
}

#[test]
fn staged_unstaged_and_untracked_changes_of_other_files_stay() {
    let place = Place::new();
    place.write("staged.txt", "staged\n");
    place.git(&["add", "staged.txt"]);
    place.write("notes.txt", "staged\n");
    place.git(&["add", "notes.txt"]);
    place.write("notes.txt", "unstaged\n");
    place.write("untracked.txt", "x\n");
    let (status, staged) = (place.status(), place.git(&["diff", "--cached"]));
    advance(&place);
    assert_eq!((place.status(), place.git(&["diff", "--cached"])), (status, staged));
    assert_eq!(place.read("notes.txt"), "unstaged\n");
}

#[test]
fn an_uncommitted_change_elsewhere_in_the_file_is_joined_with_the_fix() {
    let place = Place::new();
    let long: String = (1..=20).map(|line| format!("RUN step-{line}\n")).collect();
    place.write("Dockerfile", &long);
    place.commit_all("long");
    let mine = long.replace("step-19", "mine");
    place.write("Dockerfile", &mine);
    let advanced = advance(&place);
    assert_eq!(advanced.merged, ["Dockerfile"]);
    assert_eq!(place.read("Dockerfile"), mine.replace("RUN step-2\n", "RUN fixed\n"));
    assert_eq!(place.status(), " M Dockerfile\n");
    assert!(!place.git(&["diff"]).contains("fixed"), "only the user's own change is left to commit");
}

#[test]
fn an_uncommitted_change_of_the_same_lines_is_left_and_told() {
    let place = Place::new();
    place.write("Dockerfile", "FROM a\nRUN mine\nCMD c\n");
    let advanced = advance(&place);
    assert_eq!(advanced.kept.len(), 1);
    assert_eq!(advanced.kept[0].path, "Dockerfile");
    assert_eq!(place.read("Dockerfile"), "FROM a\nRUN mine\nCMD c\n");
}

#[test]
fn a_staged_change_of_the_same_file_stays_staged() {
    let place = Place::new();
    let long: String = (1..=20).map(|line| format!("RUN step-{line}\n")).collect();
    place.write("Dockerfile", &long);
    place.commit_all("long");
    place.write("Dockerfile", &long.replace("step-19", "mine"));
    place.git(&["add", "Dockerfile"]);
    advance(&place);
    assert_eq!(place.status(), "M  Dockerfile\n");
    let staged = place.git(&["diff", "--cached"]);
    assert!(staged.contains("+RUN mine") && !staged.contains("fixed"), "{staged}");
}

#[test]
fn a_file_the_user_deleted_or_put_in_the_way_is_left() {
    let place = Place::new();
    fs::remove_file(place.root.join("Dockerfile")).expect("removed");
    assert_eq!(advance(&place).kept.len(), 1);
    assert!(!place.root.join("Dockerfile").exists());

    let place = Place::new();
    let repo = place.repo();
    let parent = repo.head().expect("a head");
    let before = repo.workspace(&parent).expect("a workspace");
    let mut after = before.clone();
    let file = before.file("notes.txt").expect("a file").clone();
    after.insert("new.txt", file.clone());
    after.insert("link/new.txt", file);
    let fix = repo.commit_workspace_change(&parent, &before, &after, "x").expect("a commit");
    place.write("new.txt", "mine\n");
    let outside = place.dir.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    std::os::unix::fs::symlink(&outside, place.root.join("link")).expect("a link");
    let advanced = repo.advance("main", &parent, &fix).expect("moved");
    assert_eq!(advanced.kept.iter().map(|kept| kept.path.as_str()).collect::<Vec<_>>(), ["link/new.txt", "new.txt"]);
    assert_eq!(place.read("new.txt"), "mine\n");
    assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 0, "a link is never followed");
}

#[test]
fn line_ends_in_the_work_tree_are_the_users_and_in_the_commit_gits() {
    let place = Place::new();
    place.write(".gitattributes", "Dockerfile text eol=crlf\n");
    place.write("raw.txt", "a\r\nb\r\n");
    place.commit_all("line ends");
    fs::remove_file(place.root.join("Dockerfile")).expect("removed");
    place.git(&["checkout", "-q", "Dockerfile"]);
    assert_eq!(place.read("Dockerfile"), DOCKERFILE.replace('\n', "\r\n"));
    advance(&place);
    assert_eq!(place.read("Dockerfile"), FIXED.replace('\n', "\r\n"));
    assert_eq!((place.git(&["show", "main:Dockerfile"]), place.status()), (FIXED.to_owned(), String::new()));

    let repo = place.repo();
    let tip = repo.tip("main").expect("a tip");
    let raw = fix_on(&repo, &tip, "raw.txt", 2, "B");
    repo.advance("main", &tip, &raw).expect("moved");
    assert_eq!((place.read("raw.txt").as_str(), place.status().as_str()), ("a\r\nB\r\n", ""));
    place.git(&["config", "core.autocrlf", "true"]);
    let again = fix_on(&repo, &raw, "raw.txt", 1, "A");
    assert_eq!(repo.advance("main", &raw, &again).expect("moved").kept, []);
    assert_eq!((place.read("raw.txt").as_str(), place.status().as_str()), ("A\r\nB\r\n", ""));
}

#[test]
fn permissions_of_files_stay() {
    let place = Place::new();
    let mode =
        |mode| fs::set_permissions(place.root.join("Dockerfile"), fs::Permissions::from_mode(mode)).expect("mode");
    mode(0o750);
    place.commit_all("executable");
    advance(&place);
    let now = fs::metadata(place.root.join("Dockerfile")).expect("a file").permissions().mode() & 0o777;
    assert_eq!((format!("{now:o}"), place.status()), ("750".to_owned(), String::new()));
}

#[test]
fn links_submodules_deletions_and_folders_follow_too() {
    let place = Place::new();
    place.git(&["checkout", "-q", "-b", "theirs"]);
    place.write("deep/er/file.txt", "x\n");
    place.commit_all("deep");
    let from = place.repo().head().expect("a head");
    fs::remove_dir_all(place.root.join("deep")).expect("removed");
    place.write("deep", "a file now\n");
    fs::remove_file(place.root.join("notes.txt")).expect("removed");
    place.write("notes.txt/inner.txt", "a folder now\n");
    std::os::unix::fs::symlink("Dockerfile", place.root.join("link")).expect("a link");
    place.commit_all("kinds");
    place.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{from},vendor")]);
    place.git(&["commit", "-q", "-m", "submodule"]);
    let to = place.repo().head().expect("a head");
    place.git(&["reset", "-q", "--hard", &from.0]);
    let advanced = place.repo().advance("theirs", &from, &to).expect("moved");
    assert_eq!(advanced.kept, []);
    assert_eq!(place.read("deep"), "a file now\n");
    assert_eq!(fs::read_link(place.root.join("link")).expect("a link").to_str(), Some("Dockerfile"));
    assert_eq!(place.read("notes.txt/inner.txt"), "a folder now\n");
    assert_eq!(place.git(&["status", "--porcelain", "--ignore-submodules=all"]), "");
    assert_eq!(place.git(&["diff", "--cached", "--name-only"]), "");
}

#[test]
fn a_branch_that_moved_is_left_and_a_second_call_finishes_the_first() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    place.write("notes.txt", "two\n");
    place.git(&["commit", "-q", "-am", "meanwhile"]);
    let moved = place.repo().advance("main", &parent, &fix);
    assert!(matches!(moved, Err(GitError::BranchMoved { .. })));
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (DOCKERFILE, ""));

    let (parent, fix) = place.fix();
    place.git(&["update-ref", "refs/heads/main", &fix.0]);
    let again = place.repo().advance("main", &parent, &fix).expect("finished");
    assert_eq!(again.updated, ["Dockerfile"]);
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (FIXED, ""));
    assert_eq!(place.repo().advance("main", &parent, &fix).expect("nothing to do"), Advanced::default());
}

#[test]
fn commits_of_the_users_that_were_never_pushed_are_not_lost() {
    let place = Place::new();
    let (_, fix) = place.fix();
    place.write("notes.txt", "mine\n");
    place.git(&["commit", "-q", "-am", "mine"]);
    let mine = place.repo().tip("main").expect("a tip");
    assert!(matches!(place.repo().advance("main", &mine, &fix), Err(GitError::NotForward { .. })));
    assert_eq!(place.repo().tip("main").expect("a tip"), mine);
}

#[test]
fn a_file_that_goes_through_a_filter_driver_is_left_to_git() {
    let place = Place::new();
    place.write(".gitattributes", "Dockerfile filter=lfs\n");
    place.commit_all("filter");
    let advanced = advance(&place);
    assert_eq!(advanced.kept.len(), 1);
    assert_eq!(place.read("Dockerfile"), DOCKERFILE);
    let tip = place.repo().tip("main").expect("a tip");
    let refused = place.repo().commit_changes_of_tracked(&tip, &["Dockerfile".to_owned()], "x");
    assert!(matches!(refused, Err(GitError::Uncommittable { .. })));
}

#[test]
fn a_project_below_the_top_is_committed_under_its_full_path() {
    let place = Place::new();
    place.write("services/api/Dockerfile", DOCKERFILE);
    place.commit_all("service");
    let repo = Repo::open(&place.root.join("services/api")).expect("a repository");
    let head = repo.head().expect("a head");
    let fix = fix_on(&repo, &head, "services/api/Dockerfile", 2, "RUN fixed");
    let advanced = repo.advance("main", &head, &fix).expect("moved");
    assert_eq!(advanced.updated, ["services/api/Dockerfile"]);
    assert_eq!((place.read("services/api/Dockerfile").as_str(), place.status().as_str()), (FIXED, ""));
}

#[test]
fn another_branch_moves_without_touching_a_file() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    place.git(&["checkout", "-q", "-b", "elsewhere"]);
    assert_eq!(place.repo().advance("main", &parent, &fix).expect("moved"), Advanced::default());
    assert_eq!(place.repo().tip("main").expect("a tip"), fix);
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (DOCKERFILE, ""));
}

#[test]
fn a_worktree_is_moved_from_within_and_never_from_outside() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    place.git(&["worktree", "add", "-q", "../second", "-b", "second"]);
    let second = place.dir.path().join("second");
    let outside = place.repo().advance("second", &parent, &fix);
    assert!(matches!(outside, Err(GitError::CheckedOutElsewhere { .. })));
    let repo = Repo::open(&second).expect("a repository");
    assert_eq!(repo.branch().expect("a branch"), "second");
    assert!(matches!(repo.advance("main", &parent, &fix), Err(GitError::CheckedOutElsewhere { .. })));
    repo.advance("second", &parent, &fix).expect("moved");
    assert_eq!(fs::read_to_string(second.join("Dockerfile")).expect("a file"), FIXED);
    assert_eq!(super::git(&second, &["status", "--porcelain"]), "");
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (DOCKERFILE, ""));
}

#[test]
fn nothing_moves_while_the_index_is_locked_or_a_merge_is_in_progress() {
    let place = Place::new();
    let (parent, fix) = place.fix();
    place.write(".git/index.lock", "");
    assert!(place.repo().advance("main", &parent, &fix).is_err());
    fs::remove_file(place.root.join(".git/index.lock")).expect("removed");
    place.write(".git/MERGE_HEAD", &format!("{parent}\n"));
    assert!(matches!(place.repo().advance("main", &parent, &fix), Err(GitError::Busy { what: "merge" })));
    fs::remove_file(place.root.join(".git/MERGE_HEAD")).expect("removed");
    assert_eq!(place.repo().tip("main").expect("a tip"), parent);
    assert_eq!((place.read("Dockerfile").as_str(), place.status().as_str()), (DOCKERFILE, ""));
}

#[test]
fn a_commit_that_is_not_there_is_named() {
    let place = Place::new();
    let missing = Commit("1234567890123456789012345678901234567890".to_owned());
    let error = place.repo().workspace(&missing).expect_err("no such commit").to_string();
    assert!(error.contains("`1234567`"), "{error}");
}

#[test]
fn a_sparse_index_is_refused_before_anything_moves_and_a_sparse_checkout_stays_sparse() {
    let place = Place::new();
    for folder in ["a", "b"] {
        place.write(&format!("{folder}/file.txt"), "x\n");
    }
    place.commit_all("folders");
    place.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "a"]);
    let (parent, fix) = place.fix();
    assert!(place.repo().advance("main", &parent, &fix).is_err());
    assert_eq!(place.repo().tip("main").expect("a tip"), parent);
    assert_eq!(place.status(), "");

    place.git(&["sparse-checkout", "set", "--cone", "--no-sparse-index", "a"]);
    let hidden = fix_on(&place.repo(), &parent, "b/file.txt", 1, "y");
    place.repo().advance("main", &parent, &hidden).expect("moved");
    assert_eq!((place.status().as_str(), place.root.join("b").exists()), ("", false));
}
