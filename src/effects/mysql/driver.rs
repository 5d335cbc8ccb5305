//! The meaning of a driver error: the connection broke, or the same error would occur again.

use mysql_async::{DriverError, Error, IoError};
use std::io::{self, ErrorKind};

/// Why the driver gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server answered with an error of its own. The connection is as good as before.
    Server,
    /// The connection broke or could not be made. Another one may well do.
    Line,
    /// The driver cannot do what was asked, or cannot read what came back. A retry does not help.
    Driver,
}

/// The messages of the driver's packet reader, in the words of `mysql_common` 0.37 (`PacketCodecError`), whose type the
/// driver does not show.
const TOO_LARGE: &str = "Packet is larger than max_allowed_packet";
const BAD_HEADER: &str = "Bad compressed packet header";
/// The message of `mysql_common` when a packet is shorter than its own contents demand; the kind is that of a closed
/// socket.
const CUT_PACKET: &str = "can't parse: buf doesn't have enough data";

impl Cause {
    /// Of an error. Every kind is named, so that a new one of a new driver is decided and not guessed.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Server(_) => Self::Server,
            Error::Io(IoError::Io(error)) => Self::of_io(error),
            // a certificate, a name or a key that TLS does not accept today it does not accept tomorrow
            Error::Io(IoError::Tls(_)) | Error::Url(_) | Error::Other(_) => Self::Driver,
            Error::Driver(error) => Self::of_driver(error),
        }
    }

    fn of_driver(error: &DriverError) -> Self {
        match error {
            // A server that closes an idle connection reports it in an unrequested packet.
            DriverError::ConnectionClosed | DriverError::PacketOutOfOrder => Self::Line,
            DriverError::CantParseServerVersion { .. }
            | DriverError::FromValue { .. }
            | DriverError::FromRow { .. }
            | DriverError::Params(_)
            | DriverError::MixedParams
            | DriverError::NestedTransaction
            | DriverError::PoolDisconnected
            | DriverError::ReadOnlyTransNotSupported
            | DriverError::StmtParamsMismatch { .. }
            | DriverError::StmtParamsNumberExceedsLimit { .. }
            | DriverError::UnexpectedPacket { .. }
            | DriverError::UnknownAuthPlugin { .. }
            | DriverError::PacketTooLarge
            | DriverError::BadCompressedPacketHeader
            | DriverError::NamedPipesDisabled
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::LocalInfile(_)
            | DriverError::NoKeyFound
            | DriverError::NoClientSslFlagFromServer
            | DriverError::CleartextPluginDisabled
            | DriverError::InvalidParsecSalt
            | DriverError::BulkExecute(_) => Self::Driver,
        }
    }

    fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            // TLS and the packet readers report unreadable data as InvalidData
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Unsupported => Self::Driver,
            ErrorKind::Other | ErrorKind::UnexpectedEof
                if [TOO_LARGE, BAD_HEADER, CUT_PACKET].contains(&error.to_string().as_str()) =>
            {
                Self::Driver
            }
            _ => Self::Line,
        }
    }
}

/// Whether a packet, ours or the server's, was larger than the driver was configured to accept.
pub(super) fn is_too_large(error: &Error) -> bool {
    match error {
        Error::Driver(DriverError::PacketTooLarge) => true,
        Error::Io(IoError::Io(error)) => error.to_string() == TOO_LARGE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Cause::{Driver, Line, Server};
    use super::{BAD_HEADER, CUT_PACKET, Cause, TOO_LARGE, is_too_large};
    use mysql_async::{DriverError, Error, LocalInfileError, ServerError, UrlError, Value};
    use std::io::{self, ErrorKind};

    fn io(kind: ErrorKind, text: &'static str) -> Error {
        io::Error::new(kind, text).into()
    }

    #[test]
    fn a_broken_line_passes_and_what_the_driver_cannot_do_stays() {
        let server = ServerError { code: 1064, message: String::new(), state: String::new() };
        let (name, payload, value) = ("dialog".to_owned(), vec![1], Value::NULL);
        let table: Vec<(Error, Cause)> = vec![
            (server.into(), Server),
            (io(ErrorKind::ConnectionRefused, "refused"), Line),
            (io(ErrorKind::ConnectionReset, "reset"), Line),
            (io(ErrorKind::BrokenPipe, "broken"), Line),
            (io(ErrorKind::TimedOut, "late"), Line),
            (io(ErrorKind::UnexpectedEof, "connection closed"), Line),
            (io(ErrorKind::Other, "bytes remaining on stream"), Line),
            (io(ErrorKind::Other, "Packets out of sync"), Line),
            (io(ErrorKind::Other, "failed to lookup address information"), Line),
            (io(ErrorKind::Other, TOO_LARGE), Driver),
            (io(ErrorKind::Other, BAD_HEADER), Driver),
            (io(ErrorKind::UnexpectedEof, CUT_PACKET), Driver),
            (io(ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"), Driver),
            (UrlError::Invalid.into(), Driver),
            (Error::Other("other".into()), Driver),
            (DriverError::ConnectionClosed.into(), Line),
            (DriverError::PacketOutOfOrder.into(), Line),
            (DriverError::PacketTooLarge.into(), Driver),
            (DriverError::BadCompressedPacketHeader.into(), Driver),
            (DriverError::UnexpectedPacket { payload }.into(), Driver),
            (DriverError::UnknownAuthPlugin { name }.into(), Driver),
            (DriverError::MysqlOldPasswordDisabled.into(), Driver),
            (DriverError::CleartextPluginDisabled.into(), Driver),
            (DriverError::InvalidParsecSalt.into(), Driver),
            (DriverError::NoClientSslFlagFromServer.into(), Driver),
            (DriverError::NoKeyFound.into(), Driver),
            (DriverError::FromValue { value }.into(), Driver),
            (LocalInfileError::NoHandler.into(), Driver),
            (DriverError::PoolDisconnected.into(), Driver),
            (DriverError::MixedParams.into(), Driver),
            (DriverError::NestedTransaction.into(), Driver),
        ];
        for (error, cause) in table {
            assert_eq!(Cause::of(&error), cause, "{error}");
        }
        assert!(is_too_large(&io(ErrorKind::Other, TOO_LARGE)) && is_too_large(&DriverError::PacketTooLarge.into()));
        assert!(!is_too_large(&io(ErrorKind::Other, BAD_HEADER)));
    }
}
