use super::*;
use crate::domain::digest::sha256_base64url;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(seconds).unwrap()
}

const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

fn code() -> AuthorizationCode {
    AuthorizationCode {
        row_id: 1,
        uuid: "u".into(),
        hash: "h".into(),
        prefix: "p".into(),
        application_id: 1,
        client_id: ClientId::new("client"),
        user_id: UserId::new("user"),
        redirect_uri: "https://app.example/cb".into(),
        scopes: ScopeSet::stored("email"),
        code_challenge: sha256_base64url(VERIFIER.as_bytes()),
        nonce: String::new(),
        resource: vec![],
        expires_at: at(600),
        used_at: None,
        created_at: at(0),
        auth_time: None,
        issued_family: None,
    }
}

/// Flips one binding at a time and all of them together: only the whole is usable.
#[test]
fn code_binding_matrix() {
    for flips in 0..32_u8 {
        let flipped = |bit: u8| flips & (1 << bit) != 0;
        let (mine, other) = (ClientId::new("client"), ClientId::new("other"));
        let shown = Shown {
            client_id: if flipped(0) { &other } else { &mine },
            is_public: false,
            redirect_uri: if flipped(1) {
                "https://app.example/other"
            } else {
                "https://app.example/cb"
            },
            verifier: if flipped(2) { None } else { Some(VERIFIER) },
        };
        let code = AuthorizationCode {
            used_at: flipped(3).then(|| at(1)),
            ..code()
        };
        let now = if flipped(4) { at(600) } else { at(599) };
        let expected = match flips {
            0 => CodeVerdict::Usable,
            _ if flipped(0) => CodeVerdict::Foreign,
            _ if flipped(1) => CodeVerdict::Redirect,
            _ if flipped(2) => CodeVerdict::Verifier(VerifierError::Missing),
            _ if flipped(3) => CodeVerdict::Replayed,
            _ => CodeVerdict::Expired,
        };
        assert_eq!(
            judge(&code, &shown, now, &mut Trail::default()),
            expected,
            "{flips:05b}"
        );
    }
}

#[test]
fn code_expiry_edges() {
    let client_id = ClientId::new("client");
    let shown = Shown {
        client_id: &client_id,
        is_public: true,
        redirect_uri: "https://app.example/cb",
        verifier: Some(VERIFIER),
    };
    assert_eq!(
        judge(&code(), &shown, at(599), &mut Trail::default()),
        CodeVerdict::Usable
    );
    assert_eq!(
        judge(&code(), &shown, at(600), &mut Trail::default()),
        CodeVerdict::Expired
    );
    assert_eq!(
        judge(&code(), &shown, at(601), &mut Trail::default()),
        CodeVerdict::Expired
    );
}

#[test]
fn only_what_we_hand_out_is_looked_up() {
    assert!(is_code(&"0a".repeat(32)));
    for bad in ["", "nope", &"0A".repeat(32), &"0a".repeat(33)] {
        assert!(!is_code(bad), "{bad}");
    }
}

#[test]
fn a_public_client_needs_a_challenge_even_for_an_old_code() {
    let client_id = ClientId::new("client");
    let code = AuthorizationCode {
        code_challenge: String::new(),
        ..code()
    };
    let shown = |is_public| Shown {
        client_id: &client_id,
        is_public,
        redirect_uri: "https://app.example/cb",
        verifier: None,
    };
    assert_eq!(
        judge(&code, &shown(true), at(1), &mut Trail::default()),
        CodeVerdict::Verifier(VerifierError::Missing)
    );
    assert_eq!(
        judge(&code, &shown(false), at(1), &mut Trail::default()),
        CodeVerdict::Usable
    );
}
