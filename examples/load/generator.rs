//! A closed loop: every connection sends its next request when it has read the last answer.
use crate::{CONNECTIONS, Outcome, server::Process};
use bytes::Bytes;
use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What one run showed.
#[derive(Clone, Debug)]
pub struct Run {
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    /// Processor time of the server per request, in µs.
    pub cpu_us: f64,
    pub rss_mb: f64,
    /// Answers with another status than the expected ones.
    pub bad: usize,
}

/// The next request of a connection, made from the answer to its last one; nothing when there is none left.
pub type Next = Rc<RefCell<dyn FnMut(usize, &str) -> Option<Bytes>>>;

pub fn repeat(requests: Vec<Bytes>) -> Next {
    Rc::new(RefCell::new(move |connection: usize, _: &str| {
        Some(requests[connection % requests.len()].clone())
    }))
}

pub fn once_each(mut requests: Vec<Bytes>) -> Next {
    Rc::new(RefCell::new(move |_: usize, _: &str| requests.pop()))
}

pub async fn run(
    process: &Process,
    seconds: f64,
    expected: &'static [u16],
    next: Next,
) -> Outcome<Run> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(("127.0.0.1", process.port)).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let cpu = process.cpu()?;
    let began = Instant::now();
    let deadline = began + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = streams
        .into_iter()
        .enumerate()
        .map(|(connection, stream)| {
            tokio::task::spawn_local(converse(
                connection,
                stream,
                deadline,
                next.clone(),
                expected,
            ))
        })
        .collect();
    let mut latencies = Vec::new();
    let mut bad = 0;
    for task in tasks {
        let (times, wrong) = task.await??;
        latencies.extend(times);
        bad += wrong;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = process.cpu()? - cpu;
    latencies.sort_unstable();
    let count = latencies.len().max(1);
    let at = |share: f64| {
        latencies
            .get((latencies.len() as f64 * share) as usize)
            .map_or(0.0, |&ns| f64::from(ns) / 1e3)
    };
    Ok(Run {
        per_second: latencies.len() as f64 / elapsed,
        p50_us: at(0.50),
        p99_us: at(0.99),
        cpu_us: cpu.as_secs_f64() * 1e6 / count as f64,
        rss_mb: process.rss_mb()?,
        bad,
    })
}

async fn converse(
    connection: usize,
    mut stream: TcpStream,
    deadline: Instant,
    next: Next,
    expected: &'static [u16],
) -> std::io::Result<(Vec<u32>, usize)> {
    let mut times = Vec::with_capacity(1 << 14);
    let mut bad = 0;
    let mut buffer = vec![0; 1 << 20];
    let mut body = 0..0;
    while Instant::now() < deadline {
        let last = std::str::from_utf8(&buffer[body.clone()]).unwrap_or_default();
        let Some(request) = (next.borrow_mut())(connection, last) else {
            break;
        };
        let began = Instant::now();
        stream.write_all(&request).await?;
        let (status, range) = answer(&mut stream, &mut buffer).await?;
        times.push(u32::try_from(began.elapsed().as_nanos()).unwrap_or(u32::MAX));
        bad += usize::from(!expected.contains(&status));
        body = range;
    }
    Ok((times, bad))
}

/// Reads one answer with a Content-Length; gives its status and where its body lies.
async fn answer(
    stream: &mut TcpStream,
    buffer: &mut [u8],
) -> std::io::Result<(u16, std::ops::Range<usize>)> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let Some(end) = find(&buffer[..filled], b"\r\n\r\n") else {
            continue;
        };
        let head = &buffer[..end];
        let status = std::str::from_utf8(&head[9..12])
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let length = find(head, b"content-length: ").map_or(0, |at| {
            head[at + 16..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
        });
        let body = end + 4..end + 4 + length;
        while filled < body.end {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
        }
        return Ok((status, body));
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
