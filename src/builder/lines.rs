//! A child's output, line by line, in the order it was printed.

use std::io::PipeWriter;
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::Command;

/// A longer line is cut here, so that a progress bar without line ends cannot fill the memory.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Joins stdout and stderr of `command` in one pipe, so that their order is kept.
pub(super) fn join(command: &mut Command) -> std::io::Result<Receiver> {
    let (reader, writer) = std::io::pipe()?;
    let other: PipeWriter = writer.try_clone()?;
    command.stdout(writer).stderr(other);
    Receiver::from_owned_fd(OwnedFd::from(reader))
}

/// Hands every line to `each` until all writers are gone. A carriage return ends a line too.
pub(super) async fn relay(mut from: Receiver, mut each: impl FnMut(String)) {
    let mut buffer = vec![0; 8192];
    let mut line: Vec<u8> = Vec::new();
    let mut after_return = false;
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            break;
        }
        for byte in &buffer[..count] {
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => each(text(&mut line)),
                _ => line.push(*byte),
            }
            after_return = *byte == b'\r';
            if line.len() >= LINE_BYTES_MAX {
                each(text(&mut line));
            }
        }
    }
    if !line.is_empty() {
        each(text(&mut line));
    }
}

fn text(line: &mut Vec<u8>) -> String {
    String::from_utf8_lossy(&std::mem::take(line)).into_owned()
}
