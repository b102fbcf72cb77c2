//! Every sample, drawn, under the name of its file. Used by the tests and by `examples/draw_pages.rs`.

use super::samples;
use authgate::pages::{PageError, Pages};

pub fn draw_all(pages: &Pages) -> Result<Vec<(&'static str, String)>, PageError> {
    Ok(vec![
        ("login", pages.render(&samples::login())?),
        ("login_refused", pages.render(&samples::login_refused())?),
        (
            "login_providers",
            pages.render(&samples::login_providers())?,
        ),
        ("logout", pages.render(&samples::logout())?),
        ("device", pages.render(&samples::device())?),
        ("device_refused", pages.render(&samples::device_refused())?),
        ("device_confirm", pages.render(&samples::device_confirm())?),
        (
            "device_confirm_unverified",
            pages.render(&samples::device_confirm_unverified())?,
        ),
        (
            "device_confirm_bare",
            pages.render(&samples::device_confirm_bare())?,
        ),
        (
            "device_approved",
            pages.render(&samples::device_approved())?,
        ),
        ("device_denied", pages.render(&samples::device_denied())?),
        ("error", pages.render(&samples::error())?),
        (
            "error_signed_out",
            pages.render(&samples::error_signed_out())?,
        ),
        (
            "too_many_requests",
            pages.render(&samples::too_many_requests())?,
        ),
        ("home", pages.render(&samples::home())?),
    ])
}
