//! The audit trail and the sweeping of what has expired.
use super::reader::Reader;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The audit trail.
#[derive(Clone, Debug)]
pub struct Audit {
    /// `ENABLE_AUDIT_LOGGING`, default on.
    pub enabled: bool,
    /// `AUDIT_LOG_RETENTION`, default 2160h; zero or less keeps rows for ever.
    pub retention: Option<Duration>,
    /// `AUDIT_LOG_BUFFER_SIZE`: events that may wait to be written, default 1000, which also stands in for zero or
    /// less.
    pub buffer_size: usize,
    /// `AUDIT_LOG_CLEANUP_INTERVAL`, default 24h.
    pub cleanup_interval: Duration,
}

impl Audit {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let buffer = r.integer("AUDIT_LOG_BUFFER_SIZE", 1000);
        Self {
            enabled: r.boolean("ENABLE_AUDIT_LOGGING", true),
            retention: r.optional_duration("AUDIT_LOG_RETENTION", 2160 * HOUR),
            buffer_size: usize::try_from(buffer)
                .ok()
                .filter(|size| *size > 0)
                .unwrap_or(1000),
            cleanup_interval: r.positive("AUDIT_LOG_CLEANUP_INTERVAL", 24 * HOUR),
        }
    }
}

/// Deletion of expired tokens and codes.
#[derive(Clone, Debug)]
pub struct Upkeep {
    /// `ENABLE_EXPIRED_TOKEN_CLEANUP`, default off.
    pub expired_tokens: bool,
    /// `EXPIRED_TOKEN_CLEANUP_INTERVAL`, default 1h.
    pub interval: Duration,
}

impl Upkeep {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        Self {
            expired_tokens: r.boolean("ENABLE_EXPIRED_TOKEN_CLEANUP", false),
            interval: r.positive("EXPIRED_TOKEN_CLEANUP_INTERVAL", HOUR),
        }
    }
}
