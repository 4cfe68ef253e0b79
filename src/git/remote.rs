//! Fetch and push, by the user's own `git`: their keys, helpers, proxies and hooks, no prompts, a time limit.

use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::{GitError, Repo, oid};
use crate::observation::redaction::{Redactor, strip_controls};
use crate::service::Commit;
use crate::world;

/// How long a fetch or push may take. A pre-push hook may run tests, but an unattended run must not wait for ever.
const TRANSFER_SECONDS_MAX: u64 = 120;

/// How long the pipes are read on after git has ended.
const LAST_WORDS_WAIT: Duration = Duration::from_secs(2);

/// How much of git's words is kept: the end, where the reason stands.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// How many lines of a remote's words are shown.
const WORDS_LINES_MAX: usize = 20;

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    Done,
    /// The remote branch has commits this one does not build on: fetch, build anew, push again.
    Rejected {
        reason: String,
    },
}

struct Ran {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Repo {
    /// Fetches `branch` of `remote` and nothing else. `None` when the remote has no such branch.
    ///
    /// # Errors
    /// The remote cannot be reached or refuses.
    pub async fn fetch(&self, remote: &str, branch: &str) -> Result<Option<Commit>, GitError> {
        // A remote given by its path has no name that a ref could bear.
        let tracking = match remote.contains('/') {
            true => format!("refs/domain-runner/{branch}"),
            false => format!("refs/remotes/{remote}/{branch}"),
        };
        let spec = format!("+refs/heads/{branch}:{tracking}");
        // In a partial clone, too, the files of the new commits are needed.
        let options =
            ["fetch", "--no-filter", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--quiet"];
        let ran = self.run("fetch", remote, &[&options[..], &["--", remote, &spec]].concat()).await?;
        if ran.success {
            let repo = self.repository()?;
            let id = repo.refname_to_id(&tracking).map_err(GitError::library("read what was fetched"))?;
            return Ok(Some(Commit(id.to_string())));
        }
        if ran.stderr.contains("couldn't find remote ref") {
            return Ok(None);
        }
        Err(self.failure("fetch", remote, &ran))
    }

    /// Pushes `commit` to `branch` of `remote`. Never by force.
    ///
    /// # Errors
    /// The remote cannot be reached, does not accept the credentials, or refuses; its words are in the message.
    pub async fn push(&self, remote: &str, commit: &Commit, branch: &str) -> Result<Pushed, GitError> {
        let spec = format!("{}:refs/heads/{branch}", oid(commit)?);
        let options = ["push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"];
        let ran = self.run("push", remote, &[&options[..], &["--", remote, &spec]].concat()).await?;
        if ran.success {
            return Ok(Pushed::Done);
        }
        // `!<TAB><from>:<to><TAB>[rejected] (fetch first)`
        let line = ran.stdout.lines().find_map(|line| line.strip_prefix("!\t")?.split('\t').nth(1));
        let words = || words(&ran.stderr, &self.secrets(remote));
        match line {
            Some(line) if is_race(line) => Ok(Pushed::Rejected { reason: strip_controls(line) }),
            Some(line) => {
                let words = format!("{}\n{}", strip_controls(line), words()).trim_end().to_owned();
                Err(GitError::Refused { remote: remote.to_owned(), words })
            }
            // git 2.x says nothing of its own when the hook has spoken.
            None if self.hooks_present().iter().any(|hook| hook == "pre-push") && !is_connection(&ran.stderr) => {
                Err(GitError::HookRefused { words: words() })
            }
            None => Err(self.failure("push", remote, &ran)),
        }
    }

    async fn run(&self, act: &'static str, remote: &str, arguments: &[&str]) -> Result<Ran, GitError> {
        let mut command = world::command("git");
        command.arg("-C").arg(&self.root).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        if self.uses_plain_ssh() {
            // ssh asks at the terminal whatever git is told; unattended, a question is a hang.
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=30");
        }
        self.hand_over_token(&mut command, act, remote);
        let mut child = command.spawn().map_err(|source| GitError::NoProgram { source })?;
        // git's own children (ssh, remote helpers, hooks) must end with it when it is given up.
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        let (stdout, stderr) = (Mutex::new(vec![]), Mutex::new(vec![]));
        let pipes = (child.stdout.take(), child.stderr.take());
        let ended = async {
            let drained = async { tokio::join!(drain(pipes.0, &stdout), drain(pipes.1, &stderr)) };
            tokio::pin!(drained);
            tokio::select! {
                _ = &mut drained => child.wait().await,
                status = child.wait() => {
                    // What lives on, such as a credential cache, may hold the pipes open for ever.
                    let _ = tokio::time::timeout(LAST_WORDS_WAIT, drained).await;
                    status
                }
            }
        };
        let status = tokio::time::timeout(Duration::from_secs(TRANSFER_SECONDS_MAX), ended)
            .await
            .map_err(|_| GitError::TimedOut { act, seconds: TRANSFER_SECONDS_MAX })?
            .map_err(|source| GitError::NoProgram { source })?;
        // Whatever lives on now is the user's.
        group.0 = None;
        Ok(Ran { success: status.success(), stdout: said(&stdout), stderr: said(&stderr) })
    }

    fn uses_plain_ssh(&self) -> bool {
        let own = self.repository().ok().and_then(|repo| repo.config().ok()?.get_string("core.sshCommand").ok());
        own.is_none() && world::env("GIT_SSH_COMMAND").is_none() && world::env("GIT_SSH").is_none()
    }

    /// Gives the token to git as configuration in the environment, for this remote's address alone.
    fn hand_over_token(&self, command: &mut Command, act: &str, remote: &str) {
        let Some(token) = &self.token else { return };
        let Some(url) = self.address(act, remote).filter(|url| may_carry_a_token(url)) else { return };
        let key = format!("http.{}.extraHeader", without_credentials(&url));
        command.env("GIT_CONFIG_COUNT", "2").env("GIT_CONFIG_KEY_0", &key).env("GIT_CONFIG_KEY_1", &key);
        // An empty value first: CI checkouts leave a header of their own, and two are refused.
        command.env("GIT_CONFIG_VALUE_0", "");
        command.env("GIT_CONFIG_VALUE_1", format!("Authorization: Basic {}", basic(&url, token)));
    }

    /// Where `remote` is for `act`, after `insteadOf` and with whatever credentials it holds.
    fn address(&self, act: &str, remote: &str) -> Option<String> {
        let repo = self.repository().ok()?;
        let remote = repo.find_remote(remote).ok()?;
        let own = remote.pushurl().ok().flatten().filter(|_| act == "push").map(str::to_owned);
        own.or_else(|| remote.url().ok().map(str::to_owned))
    }

    fn secrets(&self, remote: &str) -> Vec<String> {
        let mut secrets: Vec<String> = self.token.iter().cloned().collect();
        for address in ["fetch", "push"].iter().filter_map(|act| self.address(act, remote)) {
            secrets.extend(userinfo(&address).unwrap_or_default().split(':').map(str::to_owned));
            secrets.extend(self.token.iter().map(|token| basic(&address, token)));
        }
        secrets
    }

    fn failure(&self, act: &'static str, remote: &str, ran: &Ran) -> GitError {
        let words = words(&ran.stderr, &self.secrets(remote));
        let remote = remote.to_owned();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| ran.stderr.contains(phrase));
        if says(&DENIALS) {
            GitError::Denied { act, remote, words }
        } else if is_connection(&ran.stderr) {
            GitError::Unreachable { remote, words }
        } else {
            GitError::Failed { act, words }
        }
    }
}

const DENIALS: [&str; 11] = [
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "terminal prompts disabled",
    "Permission denied (",
    "does not appear to be a git repository",
    "Host key verification failed",
    "Repository not found",
    "returned error: 401",
    "returned error: 403",
    "access denied",
];

const OUTAGES: [&str; 12] = [
    "Could not resolve host",
    "Could not resolve hostname",
    "Connection refused",
    "Connection timed out",
    "Connection reset",
    "Operation timed out",
    "Failed to connect",
    "Network is unreachable",
    "early EOF",
    "unexpectedly",
    "returned error: 5",
    "returned error: 429",
];

fn is_connection(stderr: &str) -> bool {
    OUTAGES.iter().chain(&DENIALS).any(|phrase| stderr.contains(phrase))
        || stderr.contains("Could not read from remote repository")
}

/// Whether someone else was faster; a new attempt on the new tip may pass.
fn is_race(line: &str) -> bool {
    let reasons = ["fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref"];
    reasons.iter().any(|reason| line.contains(reason)) || line.contains("incorrect old value")
}

/// What the other side said, fit for a terminal and without secrets.
pub(super) fn words(stderr: &str, secrets: &[String]) -> String {
    let redacted = Redactor::new(secrets.iter().cloned()).redact(stderr);
    let lines: Vec<String> = redacted
        .split(['\n', '\r'])
        .map(|line| strip_controls(line).trim_end().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    lines[lines.len().saturating_sub(WORDS_LINES_MAX)..].join("\n")
}

/// `url` without user and password. Other spellings, such as `git@host:path`, hold no secret and stay.
pub(super) fn without_credentials(url: &str) -> String {
    match userinfo(url) {
        Some(info) if url.starts_with("http") => url.replacen(&format!("{info}@"), "", 1),
        _ => url.to_owned(),
    }
}

/// A token goes out encrypted, or to this machine.
fn may_carry_a_token(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    url.starts_with("https://")
        || local.iter().any(|host| url.strip_prefix(host).is_some_and(|rest| rest.starts_with(['/', ':'])))
}

fn userinfo(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    authority.rsplit_once('@').map(|(info, _)| info)
}

/// What goes after `Basic`: `user:token`, with the user name that the host expects beside a token.
fn basic(url: &str, token: &str) -> String {
    let user = match url {
        url if url.contains("gitlab") => "oauth2",
        url if url.contains("bitbucket.org") => "x-token-auth",
        _ => "x-access-token",
    };
    let pair = if token.contains(':') { token.to_owned() } else { format!("{user}:{token}") };
    STANDARD.encode(pair)
}

/// Collects the end of what a pipe says; all of it is read, so that the writer never stalls.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, into: &Mutex<Vec<u8>>) {
    let Some(mut pipe) = pipe else { return };
    let mut chunk = [0; 8 << 10];
    while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&chunk[..read]);
        if kept.len() > 2 * OUTPUT_BYTES_MAX {
            let surplus = kept.len() - OUTPUT_BYTES_MAX;
            kept.drain(..surplus);
        }
    }
}

fn said(kept: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// A process group that ends with this value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // After a normal end the group is empty, and there is nobody to hear it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (given, expected) in [
            ("https://me:s3cret@host/a.git", "https://host/a.git"),
            ("https://token@host/a@b.git", "https://host/a@b.git"),
            ("git@github.com:me/a.git", "git@github.com:me/a.git"),
            ("ssh://git@host/a.git", "ssh://git@host/a.git"),
        ] {
            assert_eq!(without_credentials(given), expected);
        }
    }

    #[test]
    fn the_words_of_a_remote_hold_no_secret_and_no_control_sequence() {
        let given = "remote: \u{1b}[31mno\u{1b}[0m topsecretvalue\r\nhint: pull first\n";
        assert_eq!(words(given, &["topsecretvalue".to_owned()]), "remote: no [redacted]");
    }
}
