use super::*;
use crate::http::request::Head;
use ::http::{HeaderMap, HeaderValue, Method, Uri};
use bytes::Bytes;
use futures_util::StreamExt as _;
use proptest::prelude::*;
use std::{net::IpAddr, sync::Arc, time::Duration};

fn request(authorization: Option<&[u8]>) -> Request {
    let mut headers = HeaderMap::new();
    if let Some(value) = authorization.and_then(|value| HeaderValue::from_bytes(value).ok()) {
        headers.insert("authorization", value);
    }
    let head = Head {
        method: Method::POST,
        uri: Uri::from_static("/oauth/token"),
        headers,
        peer: ([127, 0, 0, 1], 1).into(),
    };
    let address = IpAddr::from([127, 0, 0, 1]);
    let nothing = futures_util::stream::empty().boxed();
    Request::new(Arc::new(head), address, nothing, 0, Duration::ZERO)
}

async fn form(pairs: &[(&str, &str)]) -> Form {
    let text = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    Form::parse("application/x-www-form-urlencoded", Bytes::from(text), &[])
        .await
        .unwrap()
}

fn basic_header(id: &str, secret: &str) -> String {
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

#[tokio::test]
async fn a_client_is_named_once_or_alike() {
    let header = basic_header("a b", "s:+/");
    let asked = request(Some(header.as_bytes()));
    let read_with = async |pairs: &[(&str, &str)]| read(&asked, &form(pairs).await);
    let named = read_with(&[]).await.unwrap().unwrap();
    assert_eq!(named.client_id.as_str(), "a b");
    assert_eq!(named.secret.unwrap().expose(), "s:+/");
    assert!(read_with(&[("client_id", "a b")]).await.is_ok());
    for other in [[("client_id", "b")], [("client_secret", "x")]] {
        assert_eq!(
            read_with(&other).await.unwrap_err().code,
            ErrorCode::InvalidRequest
        );
    }
    assert!(read(&request(None), &form(&[]).await).unwrap().is_none());
}

proptest! {
    /// Any header is read or refused.
    #[test]
    fn any_header_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80), basic in any::<bool>()) {
        let mut value = if basic { b"Basic ".to_vec() } else { Vec::new() };
        value.extend(bytes);
        let _ = read(&request(Some(&value)), &Form::default());
    }

    /// RFC 6749 §2.3.1: what a client encodes comes back, colons and all.
    #[test]
    fn what_is_encoded_comes_back(id in "\\PC{1,20}", secret in "\\PC{1,20}") {
        let header = basic_header(&id, &secret);
        let named = read(&request(Some(header.as_bytes())), &Form::default()).unwrap().unwrap();
        prop_assert_eq!(named.client_id.as_str(), id);
        let shown = named.secret.unwrap();
        prop_assert_eq!(shown.expose(), secret);
    }
}
