//! The kept part of a stream that may be endless: its beginning, or its end.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Takes a stream in, piece by piece.
pub(super) trait Keep {
    /// Takes the next piece.
    fn take(&mut self, piece: &[u8]);
}

/// The first bytes of a stream.
pub(super) struct Head {
    /// The kept part.
    pub bytes: Vec<u8>,
    limit: usize,
    length: u64,
}

impl Head {
    /// Keeps `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, length: 0 }
    }
    /// Whether everything was kept.
    pub fn is_whole(&self) -> bool {
        self.length == self.bytes.len() as u64
    }
}

impl Keep for Head {
    fn take(&mut self, piece: &[u8]) {
        let room = self.limit.saturating_sub(self.bytes.len()).min(piece.len());
        self.bytes.extend_from_slice(&piece[..room]);
        self.length += piece.len() as u64;
    }
}

/// The last bytes of a stream.
pub(super) struct Tail {
    /// The kept part.
    pub bytes: Vec<u8>,
    limit: usize,
}

impl Tail {
    /// Keeps at least `limit` bytes, and at most twice as many while it reads.
    pub fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }
}

impl Keep for Tail {
    fn take(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > self.limit * 2 {
            self.bytes.drain(..self.bytes.len() - self.limit);
        }
    }
}

/// Reads `stream` to its end.
pub(super) async fn drain(stream: &mut (dyn AsyncRead + Send + Unpin), keep: &mut (dyn Keep + Send)) -> io::Result<()> {
    let mut piece = vec![0; 16 << 10];
    loop {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            read => keep.take(&piece[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Head, Keep, Tail};

    #[test]
    fn keeps_the_beginning_or_the_end() {
        let (mut head, mut tail) = (Head::new(4), Tail::new(4));
        for piece in [&b"abc"[..], b"def", b"ghij"] {
            head.take(piece);
            tail.take(piece);
        }
        assert_eq!((head.bytes.as_slice(), head.is_whole()), (&b"abcd"[..], false));
        assert!(tail.bytes.ends_with(b"ghij") && tail.bytes.len() <= 8);
    }
}
