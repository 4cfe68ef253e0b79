//! Just enough of a WebSocket client to listen.

use domain_runner::sandbox::Sandbox;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(super) struct Socket(BufReader<TcpStream>);

impl Socket {
    /// Opens the log socket; answers its status line as well.
    pub(super) async fn open(sandbox: &Sandbox, query: &str) -> (String, Self) {
        let url = sandbox.api_url();
        let address = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = format!(
            "GET /v1/logs/subscribe?{query} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            sandbox.api_key()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reader = BufReader::new(stream);
        let mut status = String::new();
        reader.read_line(&mut status).await.unwrap();
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).await.unwrap();
        }
        (status.trim().to_owned(), Self(reader))
    }

    /// The next text frame; `None` once the line is dead.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await.ok()?;
        let len = match head[1] {
            126 => usize::from(self.0.read_u16().await.ok()?),
            short => usize::from(short),
        };
        let mut payload = vec![0; len];
        self.0.read_exact(&mut payload).await.ok()?;
        (head[0] == 0x81).then(|| serde_json::from_slice(&payload).unwrap())
    }
}
