use super::*;
use crate::domain::client::{ClientStatus, ClientType};
use crate::domain::ids::{ClientId, UserId};
use crate::domain::scope::ScopeSet;
use crate::domain::time::Timestamp;
use crate::domain::user::Role;

fn client() -> Client {
    Client {
        application_id: 1,
        client_id: ClientId::new("c"),
        secret_hash: String::new(),
        name: "c".into(),
        description: String::new(),
        owner: String::new(),
        scopes: ScopeSet::default(),
        redirect_uris: vec![],
        allowed_resources: vec![],
        client_type: ClientType::Public,
        device_flow: true,
        auth_code_flow: false,
        client_credentials_flow: true,
        status: ClientStatus::Active,
        token_profile: "standard".into(),
        project: String::new(),
        service_account: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn user(is_active: bool) -> User {
    User {
        id: UserId::new("u"),
        username: "u".into(),
        email: "u@x".into(),
        password_hash: String::new(),
        role: Role::User,
        full_name: String::new(),
        avatar_url: String::new(),
        is_active,
        email_verified: false,
        auth_source: "local".into(),
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn consent(is_active: bool) -> Consent {
    Consent {
        authorization_id: 1,
        uuid: "x".into(),
        user_id: UserId::new("u"),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::default(),
        resource: vec![],
        granted_at: Timestamp::UNIX_EPOCH,
        is_active,
    }
}

#[test]
fn each_condition_alone_refuses() {
    let (alive, dead) = (user(true), user(false));
    let (live, withdrawn) = (consent(true), consent(false));
    let person = |user, consent| Owner::Person { user, consent };
    let c = client();
    let check = |grant, owner| super::check(grant, Some(&c), owner);
    assert_eq!(
        check(Grant::DeviceCode, person(Some(&alive), Some(&live))),
        Ok(())
    );
    assert_eq!(check(Grant::DeviceCode, person(Some(&alive), None)), Ok(()));
    assert_eq!(
        check(Grant::DeviceCode, person(None, Some(&live))),
        Err(Refusal::User)
    );
    assert_eq!(
        check(Grant::DeviceCode, person(Some(&dead), Some(&live))),
        Err(Refusal::User)
    );
    assert_eq!(
        check(Grant::DeviceCode, person(Some(&alive), Some(&withdrawn))),
        Err(Refusal::Consent)
    );
    assert_eq!(
        check(Grant::AuthorizationCode, person(Some(&alive), Some(&live))),
        Err(Refusal::Grant)
    );
    assert_eq!(
        check(Grant::RefreshToken, person(Some(&alive), Some(&live))),
        Ok(())
    );
    // The flag alone does not make a public client a machine client.
    assert_eq!(
        check(Grant::ClientCredentials, Owner::Client),
        Err(Refusal::Grant)
    );
    assert_eq!(
        super::check(Grant::DeviceCode, None, Owner::Client),
        Err(Refusal::Client)
    );
    for status in [ClientStatus::Pending, ClientStatus::Inactive] {
        let c = Client { status, ..client() };
        assert_eq!(
            super::check(Grant::DeviceCode, Some(&c), Owner::Client),
            Err(Refusal::Client)
        );
    }
}
