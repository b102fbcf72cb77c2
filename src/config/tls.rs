//! The files of the server's own TLS. Must not live here: opening them, which the listener does.
use super::reader::Reader;
use super::server::Server;
use std::path::PathBuf;

/// Certificate chain and key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `TLS_CERT_FILE`: leaf first, then the intermediates.
    pub certificate: PathBuf,
    /// `TLS_KEY_FILE`.
    pub key: PathBuf,
}

/// Both or neither; neither serves plain HTTP.
pub(super) fn read(r: &mut Reader<'_>, server: &Server) -> Option<Tls> {
    match (r.path("TLS_CERT_FILE"), r.path("TLS_KEY_FILE")) {
        (Some(certificate), Some(key)) => {
            if !server.is_https() {
                r.warn(
                    "BASE_URL",
                    "BASE_URL is not https although TLS_CERT_FILE is set: links and the issuer will not match the listener",
                );
            }
            Some(Tls { certificate, key })
        }
        (None, None) => None,
        (certificate, _) => {
            let name = match certificate {
                Some(_) => "TLS_CERT_FILE",
                None => "TLS_KEY_FILE",
            };
            r.error(
                name,
                "TLS_CERT_FILE and TLS_KEY_FILE must both be set or both be empty",
            );
            None
        }
    }
}
