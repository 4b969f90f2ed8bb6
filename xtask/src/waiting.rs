//! Ports, and waiting until something on one answers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::processes::Running;

/// A port on 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("ask for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The status line's number that `GET path` on 127.0.0.1 answers, if anything answers at all.
pub(crate) fn status_of(port: u16, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    // "HTTP/1.1 200" is twelve bytes; the rest is of no interest here.
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head).ok()?.split(' ').nth(1)?.parse().ok()
}

/// Waits until `GET path` answers 200, and returns how long that took. Fails at once when the
/// program ends, and after `limit` otherwise.
pub(crate) fn until_ok(
    program: &mut Running,
    port: u16,
    path: &str,
    limit: Duration,
) -> Result<Duration> {
    let start = Instant::now();
    loop {
        if status_of(port, path) == Some(200) {
            return Ok(start.elapsed());
        }
        if let Some(status) = program.ended()? {
            bail!("{} ended with {status} before {path} answered 200", program.name());
        }
        if start.elapsed() > limit {
            bail!(
                "{} did not answer 200 at 127.0.0.1:{port}{path} within {limit:?}",
                program.name()
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Shows that the status is read from a real answer, and that silence is not an answer.
    #[test]
    fn the_status_of_an_answer_is_read() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0_u8; 512];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap();
        });
        assert_eq!(status_of(port, "/readyz"), Some(503));
        server.join().unwrap();
        assert_eq!(status_of(port, "/readyz"), None);
    }
}
