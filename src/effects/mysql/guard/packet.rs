//! Packets of a login: four bytes of header, three of them the length and one the number, and what they hold (`MySQL`
//! internals, "Protocol Basics" and "Connection Phase").

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// No packet of a login is longer. One that is may go on in the next, which would then be checked as a packet of its
/// own.
const LONGEST: usize = 64 << 10;
/// The flag `CLIENT_SSL` in the second byte of both sides' flags.
const TLS: u8 = 0x08;
/// A client's flags, its largest packet, its character set and what is reserved: where a request for TLS ends.
const REQUEST: usize = 32;

/// One packet.
pub(super) struct Packet {
    number: u8,
    held: Vec<u8>,
}

impl Packet {
    /// The next one.
    pub async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Self> {
        let header = Self::header(from).await?;
        Self::read_after(header, from).await
    }

    /// The next one's header.
    pub async fn header<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<[u8; 4]> {
        let mut header = [0; 4];
        from.read_exact(&mut header).await?;
        Ok(header)
    }

    /// What follows a header.
    pub async fn read_after<R: AsyncRead + Unpin>([a, b, c, number]: [u8; 4], from: &mut R) -> io::Result<Self> {
        let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet of the login is too long"));
        }
        let mut held = vec![0; length];
        from.read_exact(&mut held).await?;
        Ok(Self { number, held })
    }

    /// Sends it, with `more` added to its number.
    pub async fn write<W: AsyncWrite + Unpin>(&self, to: &mut W, more: u8) -> io::Result<()> {
        let [a, b, c, _] = u32::try_from(self.held.len()).unwrap_or_default().to_le_bytes();
        let mut bytes = vec![a, b, c, self.number.wrapping_add(more)];
        bytes.extend_from_slice(&self.held);
        to.write_all(&bytes).await?;
        to.flush().await
    }

    /// Whether a server begins with it (`HandshakeV10`).
    pub fn is_greeting(&self) -> bool {
        self.held.first() == Some(&10)
    }

    /// Whether it lets the client in, and so is the last one of the login.
    pub fn ends_login(&self) -> bool {
        self.held.first() == Some(&0)
    }

    /// Whether it asks for the password itself: `perform_full_authentication` of `caching_sha2_password`.
    pub fn asks_for_password(&self) -> bool {
        self.held.starts_with(&[1, 4])
    }
}

/// Whether a greeting offers TLS. Its flags stand after the version, its NUL, and 13 bytes.
pub(super) fn offers_tls(greeting: &Packet) -> bool {
    let version = greeting.held.iter().position(|byte| *byte == 0);
    version.and_then(|end| greeting.held.get(end + 15)).is_some_and(|flags| flags & TLS != 0)
}

/// A client's login as it goes by TLS: the request for that, which is the login's own beginning, and the login.
pub(super) fn with_tls(mut login: Packet) -> io::Result<[Packet; 2]> {
    if login.held.len() < REQUEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the driver's login is cut off"));
    }
    login.held[1] |= TLS;
    Ok([Packet { number: login.number, held: login.held[..REQUEST].to_vec() }, login])
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Packet, offers_tls, with_tls};

    async fn read(mut bytes: &[u8]) -> std::io::Result<Packet> {
        Packet::read(&mut bytes).await
    }

    #[tokio::test]
    async fn a_packet_keeps_what_it_holds_and_gets_another_number() {
        let mut sent = Vec::new();
        read(&[2, 0, 0, 255, 1, 4]).await.unwrap().write(&mut sent, 1).await.unwrap();
        assert_eq!(sent, [2, 0, 0, 0, 1, 4]);
        assert!(read(&[2, 0, 0, 2, 1, 4]).await.unwrap().asks_for_password());
        assert!(read(&[2, 0, 0, 2, 1]).await.is_err(), "cut off");
        let [a, b, c, _] = u32::try_from(LONGEST + 1).unwrap().to_le_bytes();
        assert!(read(&[[a, b, c, 0].as_slice(), &vec![0; LONGEST + 1]].concat()).await.is_err(), "too long");
    }

    #[test]
    fn what_a_greeting_offers() {
        let greeting = |flags: u8| {
            let held = [b"\n8.0\0".as_slice(), &[1; 13], &[0xff, flags, 0]].concat();
            offers_tls(&Packet { number: 0, held })
        };
        assert!(greeting(0xff) && greeting(0x08) && !greeting(0xf7));
        assert!(!offers_tls(&Packet { number: 0, held: b"\n8.0\0".to_vec() }));
    }

    #[test]
    fn a_request_for_tls_holds_no_name_and_no_password() {
        let login = Packet { number: 1, held: [[0; 32].as_slice(), b"migrate\0"].concat() };
        let [request, login] = with_tls(login).unwrap();
        assert_eq!((request.held.len(), request.held[1], login.held[1], login.held.len()), (32, 8, 8, 40));
        assert!(with_tls(Packet { number: 1, held: vec![0; 31] }).is_err());
    }
}
