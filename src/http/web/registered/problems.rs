//! What is wrong with a draft, in the words of the page.
use crate::{
    domain::registration::{Fault, Field, Problem, UriFault, duration_text},
    pages::Words,
};

/// The faults of one field, one sentence each.
pub fn of(faults: &[Fault], field: Field) -> Vec<Words> {
    faults
        .iter()
        .filter(|fault| fault.field == field)
        .map(sentence)
        .collect()
}

fn sentence(fault: &Fault) -> Words {
    let why = words(fault.problem);
    if fault.entry.is_empty() {
        why
    } else {
        Words::of("problems.entry")
            .with("entry", fault.entry.as_str())
            .with("why", why)
    }
}

fn number(key: &'static str, n: usize) -> Words {
    Words::of(key).with("n", u64::try_from(n).unwrap_or(u64::MAX))
}

fn words(problem: Problem) -> Words {
    match problem {
        Problem::Required => Words::of("problems.required"),
        Problem::TooLong(n) => number("problems.too_long", n),
        Problem::TooMany(n) => number("problems.too_many", n),
        Problem::HiddenCharacter => Words::of("problems.hidden"),
        Problem::NoGrant => Words::of("problems.no_grant"),
        Problem::MachineGrantOfPublicClient => Words::of("problems.machine_public"),
        Problem::NoRedirectUri => Words::of("problems.no_redirect"),
        Problem::Uri(fault) => Words::of(uri(fault)),
        Problem::BadScope => Words::of("problems.scope"),
        Problem::ScopeNotForSelfService => Words::of("problems.scope_self"),
        Problem::BadResource => Words::of("problems.resource"),
        Problem::UnknownProfile => Words::of("problems.profile"),
        Problem::BadDuration => Words::of("problems.duration"),
        Problem::TtlOutside(from, to) => Words::of("problems.ttl")
            .with("from", duration_text(from))
            .with("to", duration_text(to)),
        Problem::BadProject => Words::of("problems.project"),
        Problem::BadServiceAccount => Words::of("problems.service_account"),
        Problem::UnknownAuthMethod => Words::of("problems.auth_method"),
        Problem::AuthMethodOfOtherType => Words::of("problems.auth_type"),
        Problem::NoKeys => Words::of("problems.no_keys"),
        Problem::BadKeys => Words::of("problems.bad_keys"),
        Problem::PrivateKey => Words::of("problems.private_key"),
        Problem::UnknownAlgorithm => Words::of("problems.algorithm"),
        Problem::UnknownStatus => Words::of("problems.status"),
    }
}

fn uri(fault: UriFault) -> &'static str {
    match fault {
        UriFault::TooLong => "problems.uri_long",
        UriFault::BadCharacter => "problems.uri_character",
        UriFault::NotAbsolute => "problems.uri_relative",
        UriFault::Fragment => "problems.uri_fragment",
        UriFault::Userinfo => "problems.uri_user",
        UriFault::Wildcard => "problems.uri_wildcard",
        UriFault::DotSegment => "problems.uri_dots",
        UriFault::NoHost => "problems.uri_host",
        UriFault::PlainHttp => "problems.uri_http",
        UriFault::Scheme => "problems.uri_scheme",
        UriFault::UndottedScheme => "problems.uri_undotted",
        UriFault::PrivateScheme => "problems.uri_private",
        UriFault::ResponseParameter => "problems.uri_parameter",
    }
}
