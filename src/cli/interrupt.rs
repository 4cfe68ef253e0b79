//! Ctrl-C and SIGTERM: the deploy on the platform goes on, the session is closed cleanly, and the run can be taken up again.

use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;

/// Resolves when the person or the system wants the program to end.
pub async fn requested() -> Exit {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}
