//! Ctrl-C and SIGTERM: the deploy on the platform goes on, the journal is on disk, and the run can be taken up again.
//!
//! On a terminal the first Ctrl-C asks what is meant; the second leaves.

use std::io::Write as _;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;

/// The signals by which the person or the system wants the program to end.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on they do not end the program by themselves.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one.
    pub async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

/// What a person who pressed Ctrl-C wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// Stop watching; the deploy goes on.
    Leave,
    /// Cancel the deploy on the platform, and stop.
    Cancel,
}

impl Wish {
    fn of(answer: &str) -> Option<Self> {
        match answer.trim().to_lowercase().as_str() {
            "" | "g" | "go on" => Some(Self::GoOn),
            "s" | "stop" => Some(Self::Leave),
            "c" | "cancel" => Some(Self::Cancel),
            _ => None,
        }
    }
}

/// Asks until there is an answer. Whoever stops listening has left.
pub async fn ask() -> Wish {
    loop {
        let mut out = anstream::stderr();
        let _ = write!(
            out,
            "\n[g]o on, [s]top watching (the deploy goes on, the run can be resumed), or [c]ancel the deploy? \
             Ctrl-C again leaves. [g] "
        );
        let _ = out.flush();
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line)
        });
        match line.await.ok().flatten() {
            None => return Wish::Leave,
            Some(line) => match Wish::of(&line) {
                Some(wish) => return wish,
                None => continue,
            },
        }
    }
}
