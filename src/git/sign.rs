//! Signing: where the user's configuration asks for signed commits, git itself writes the commit, with their key, format
//! and program. Nobody is asked for a passphrase: a run is unattended, and a question would be a hang.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use git2::{Oid, Repository, Signature};
use rustix::process::{Pid, Signal, kill_process_group};

use super::remote::words;
use super::{GitError, Repo};
use crate::world;

/// A hardware key blinks until it is touched; longer than this nobody is there.
const WAIT_SECONDS_MAX: u64 = 30;

/// Between two looks at whether git has ended: it takes some 20 ms.
const LOOK: Duration = Duration::from_millis(10);

/// A commit to be written.
pub(super) struct Draft<'a> {
    pub tree: Oid,
    pub parent: Oid,
    pub author: &'a Signature<'a>,
    pub committer: &'a Signature<'a>,
    pub message: &'a str,
}

/// Whether the user's commits are signed here.
pub(super) fn is_wanted(repo: &Repository) -> bool {
    repo.config().and_then(|config| config.get_bool("commit.gpgsign")).unwrap_or(false)
}

impl Repo {
    /// Writes `draft` as a signed commit. Like any other of ours, it is on no branch yet.
    pub(super) fn write_signed(&self, draft: &Draft<'_>) -> Result<Oid, GitError> {
        let failed = |source: io::Error| GitError::NoProgram { source };
        let (mut said, mut complained) = (tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?);
        let mut command = world::command("git");
        command.arg("-C").arg(&self.root).args(["commit-tree", "-S", "-F", "-", "-p"]);
        command.args([draft.parent.to_string(), draft.tree.to_string()]).env("LC_ALL", "C");
        for (role, who) in [("AUTHOR", draft.author), ("COMMITTER", draft.committer)] {
            let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (minutes, sign) = (who.when().offset_minutes().abs(), who.when().sign());
            let date = format!("@{} {sign}{:02}{:02}", who.when().seconds(), minutes / 60, minutes % 60);
            command.env(format!("GIT_{role}_NAME"), part(who.name_bytes()));
            command.env(format!("GIT_{role}_EMAIL"), part(who.email_bytes()));
            command.env(format!("GIT_{role}_DATE"), date);
        }
        // Files, not pipes: an agent that git's program starts would keep a pipe open for ever.
        let outputs = (said.try_clone().map_err(failed)?, complained.try_clone().map_err(failed)?);
        let command = command.as_std_mut().process_group(0);
        let mut child = command.stdin(Stdio::piped()).stdout(outputs.0).stderr(outputs.1).spawn().map_err(failed)?;
        if let Some(mut input) = child.stdin.take() {
            // If git has ended already, its own words say why.
            let _ = input.write_all(draft.message.as_bytes());
        }
        let status = ended(&mut child).map_err(failed)?;
        let read = |file: &mut std::fs::File| {
            let mut bytes = vec![];
            file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(failed)?;
            Ok::<_, GitError>(String::from_utf8_lossy(&bytes).into_owned())
        };
        let id = Oid::from_str(read(&mut said)?.trim()).ok();
        match (status, id) {
            (Some(status), Some(id)) if status.success() => Ok(id),
            (Some(_), _) => Err(GitError::Unsigned { words: words(&read(&mut complained)?, &[]) }),
            (None, _) => {
                let words = format!("it was not done after {WAIT_SECONDS_MAX} s");
                Err(GitError::Unsigned { words })
            }
        }
    }
}

/// How `child` ended; `None` when it had to be killed, with all it had started.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let limit = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
    while Instant::now() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(LOOK);
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended this very moment.
        let _ = kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    Ok(None)
}
