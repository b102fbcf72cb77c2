//! TLS 1.2 and 1.3 with one certificate. The pair is checked when it is loaded, and can be exchanged while running.
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::{CertifiedKey, SigningKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// `TLS_CERT_FILE` and `TLS_KEY_FILE`.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Full chain, leaf first.
    pub certificate: PathBuf,
    /// Private key: PKCS#1, PKCS#8 or SEC1.
    pub key: PathBuf,
}

/// Why a pair is not served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds nothing of use.
    #[error("{variable}={path}: {reason}")]
    File {
        /// The variable that named it.
        variable: &'static str,
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The two do not belong together.
    #[error("TLS_CERT_FILE and TLS_KEY_FILE do not belong together: {0}")]
    Mismatch(String),
    /// Both files are at fault.
    #[error("{0}; {1}")]
    Both(Box<TlsError>, Box<TlsError>),
    /// The library refused.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Loads and checks the pair.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// Loads the pair anew; connections that exist keep the old one. A pair that is broken changes nothing.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.files)?));
        Ok(())
    }

    /// What the accept loop needs: HTTP/2 and HTTP/1.1 by ALPN.
    ///
    /// # Errors
    /// [`TlsError::Setup`].
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let (chain, key) = match (chain(&files.certificate), key(&files.key)) {
        (Ok(chain), Ok(key)) => (chain, key),
        (Err(chain), Err(key)) => return Err(TlsError::Both(Box::new(chain), Box::new(key))),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
    };
    let pair = CertifiedKey::new(chain, key);
    pair.keys_match()
        .map_err(|error| TlsError::Mismatch(error.to_string()))?;
    Ok(pair)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const NAME: &str = "TLS_CERT_FILE";
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(NAME, path, &error))?;
    match chain.is_empty() {
        true => Err(wrong(NAME, path, &"no certificate found")),
        false => Ok(chain),
    }
}

fn key(path: &Path) -> Result<Arc<dyn SigningKey>, TlsError> {
    let wrong = |error: &dyn std::fmt::Display| wrong("TLS_KEY_FILE", path, &error);
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(&error))?;
    rustls::crypto::ring::sign::any_supported_type(&key).map_err(|error| wrong(&error))
}

fn wrong(variable: &'static str, path: &Path, reason: &impl ToString) -> TlsError {
    TlsError::File {
        variable,
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}
