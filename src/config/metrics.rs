//! What is told about the running server: metrics and the log.
use super::reader::Reader;
use super::server::{ListenAddr, listen_addr};
use crate::domain::secret::Secret;
use std::time::Duration;

/// Metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// `METRICS_ENABLED`, default off.
    pub enabled: bool,
    /// `METRICS_TOKEN`: the bearer token that readers must show.
    pub token: Option<Secret>,
    /// `METRICS_GAUGE_UPDATE_ENABLED`, default on: whether this process counts rows for the gauges.
    pub gauges: bool,
    /// `METRICS_GAUGE_UPDATE_INTERVAL`, default 5m.
    pub gauge_interval: Duration,
    /// `METRICS_ADDR`: a second listener for what machines watch, which asks nobody for anything while there is no token.
    pub addr: Option<ListenAddr>,
}

impl Metrics {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        Self {
            enabled: r.boolean("METRICS_ENABLED", false),
            token: r.secret("METRICS_TOKEN"),
            gauges: r.boolean("METRICS_GAUGE_UPDATE_ENABLED", true),
            gauge_interval: r.positive("METRICS_GAUGE_UPDATE_INTERVAL", Duration::from_secs(300)),
            addr: listen_addr(r, "METRICS_ADDR"),
        }
    }
}

/// The log of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `LOG_LEVEL`, default `info`: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: LogLevel,
    /// `LOG_FORMAT`, default `text`.
    pub format: LogFormat,
}

/// The least severity that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `error`.
    Error,
    /// `warn`.
    Warn,
    /// `info`.
    Info,
    /// `debug`.
    Debug,
    /// `trace`.
    Trace,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `text`: for people.
    Text,
    /// `json`: one object a line.
    Json,
}

impl Log {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let levels = [
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Trace),
        ];
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Self {
            level: r.choice("LOG_LEVEL", &levels, LogLevel::Info, |text| {
                format!(
                    "invalid LOG_LEVEL value: {text:?} (must be \"error\", \"warn\", \"info\", \"debug\", or \"trace\")"
                )
            }),
            format: r.choice("LOG_FORMAT", &formats, LogFormat::Text, |text| {
                format!("invalid LOG_FORMAT value: {text:?} (must be \"text\" or \"json\")")
            }),
        }
    }
}
