//! What settings point to and a start depends on: the connection string, key files and the certificate. It is read and judged
//! together, before anything is opened or made. Must not live here: what becomes of it.
use super::{
    keys::{self, Files},
    settings,
};
use crate::{
    config::Config,
    http::tls::{Certificate, TlsError},
};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What was found to be good.
pub struct Material {
    /// The private keys, which need not be parsed again.
    pub key_files: Arc<Files>,
    /// The certificate, for whoever loads it again.
    pub certificate: Option<Arc<Certificate>>,
    /// What shows it.
    pub tls: Option<TlsAcceptor>,
}

impl Material {
    /// Reads everything that is there to be read without a database.
    ///
    /// # Errors
    /// Every fault, none of which shows a secret.
    pub fn read(config: &Config) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        faults.extend(settings::store(config).check().err());
        let key_files = keys::files(config);
        faults.extend(key_files.read().err().into_iter().flatten());
        match (certificate(config), faults.is_empty()) {
            (Ok((certificate, tls)), true) => Ok(Self {
                key_files,
                certificate,
                tls,
            }),
            (certificate, _) => {
                faults.extend(certificate.err().map(|error| error.to_string()));
                Err(faults)
            }
        }
    }
}

type Shown = (Option<Arc<Certificate>>, Option<TlsAcceptor>);

fn certificate(config: &Config) -> Result<Shown, TlsError> {
    let Some(certificate) = settings::certificate(config)? else {
        return Ok((None, None));
    };
    let tls = TlsAcceptor::from(certificate.server_config()?);
    Ok((Some(certificate), Some(tls)))
}

/// Every fault of what the settings point to; settings that are at fault themselves count as not set.
pub fn check(config: &Config) -> Vec<String> {
    Material::read(config).err().unwrap_or_default()
}
