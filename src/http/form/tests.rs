use super::*;
use proptest::prelude::*;

async fn parse(body: &str) -> Result<Form, FormError> {
    Form::parse(
        "application/x-www-form-urlencoded",
        Bytes::from(body.to_owned()),
        &["resource"],
    )
    .await
}

#[tokio::test]
async fn fields_are_decoded_and_may_not_repeat() {
    let form = parse("a=1+2&b=%C3%A4&&c&resource=x&resource=y&d=")
        .await
        .unwrap();
    assert_eq!(form.get("a"), Some("1 2"));
    assert_eq!(form.get("b"), Some("ä"));
    assert_eq!(
        (form.get("c"), form.get("d"), form.get("e")),
        (Some(""), Some(""), None)
    );
    assert_eq!(form.all("resource"), ["x", "y"]);
    assert_eq!(
        parse("a=1&a=1").await.unwrap_err(),
        FormError::Repeated("a".into())
    );
    for bad in ["a=%", "a=%2", "a=%zz", "a=%ff", "%e4=1", "a=%00", "a\0=1"] {
        assert_eq!(parse(bad).await.unwrap_err(), FormError::Encoding, "{bad}");
    }
    assert_eq!(
        parse(&"a&".repeat(101)).await.unwrap_err(),
        FormError::TooMany
    );
}

#[tokio::test]
async fn multipart_is_read_as_the_same_form() {
    let body = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1 2\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\nä\r\n--x--\r\n";
    let form = Form::parse("multipart/form-data; boundary=x", Bytes::from(body), &[])
        .await
        .unwrap();
    assert_eq!((form.get("a"), form.get("b")), (Some("1 2"), Some("ä")));
    let cut = Form::parse(
        "multipart/form-data; boundary=x",
        Bytes::from("--x\r\nbroken"),
        &[],
    )
    .await;
    assert_eq!(cut.unwrap_err(), FormError::Encoding);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(pairs) = Form::pairs(&bytes) {
            prop_assert!(pairs.len() <= MAX_FIELDS);
        }
    }

    #[test]
    fn what_is_encoded_comes_back(pairs in proptest::collection::vec(("[^\0]{1,20}", "[^\0]{0,20}"), 0..10)) {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        prop_assert_eq!(Form::pairs(text.as_bytes()).unwrap(), pairs);
    }
}
