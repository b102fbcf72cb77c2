use super::*;

const CLIENT: ClientStanding = ClientStanding {
    is_active: true,
    is_confidential: false,
    device_flow: true,
    auth_code_flow: false,
    client_credentials_flow: true,
};

#[test]
fn each_condition_alone_refuses() {
    let person = |is_active, consent| Owner::Person { is_active, consent };
    let check = |grant, owner| super::check(grant, Some(CLIENT), owner);
    assert_eq!(check(Grant::DeviceCode, person(true, Some(true))), Ok(()));
    assert_eq!(check(Grant::DeviceCode, person(true, None)), Ok(()));
    assert_eq!(
        check(Grant::DeviceCode, person(false, Some(true))),
        Err(Refusal::User)
    );
    assert_eq!(
        check(Grant::DeviceCode, person(true, Some(false))),
        Err(Refusal::Consent)
    );
    assert_eq!(
        check(Grant::AuthorizationCode, person(true, Some(true))),
        Err(Refusal::Grant)
    );
    assert_eq!(check(Grant::RefreshToken, person(true, Some(true))), Ok(()));
    // The flag alone does not make a public client a machine client.
    assert_eq!(
        check(Grant::ClientCredentials, Owner::Client),
        Err(Refusal::Grant)
    );
    assert_eq!(
        super::check(Grant::DeviceCode, None, Owner::Client),
        Err(Refusal::Client)
    );
    let switched_off = ClientStanding {
        is_active: false,
        ..CLIENT
    };
    assert_eq!(
        super::check(Grant::DeviceCode, Some(switched_off), Owner::Client),
        Err(Refusal::Client)
    );
}
