//! Secrets that stand in the documentation: everybody knows them.
use super::reader::Reader;
use super::server::Server;

/// Refuses a published default where it would be a hole, and warns elsewhere.
pub(super) fn check(r: &mut Reader<'_>, name: &str, server: &Server) {
    let known = format!("{name} is the published default, which everybody knows");
    let advice = "set one of your own (authgate generate-secrets)";
    if server.is_exposed() {
        let place = "it is refused in production and with an https BASE_URL";
        r.error(name, format_args!("{known}: {place}; {advice}"));
    } else {
        r.warn(
            name,
            format_args!("{known}: {advice} before others reach this server"),
        );
    }
}
