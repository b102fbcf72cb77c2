//! Finds PEM blocks (RFC 7468) in what an operator pasted: several blocks, text around them,
//! line ends of any kind, or the two characters `\n` where an environment could not hold a line
//! end. Labels are returned to nobody: what a block holds is decided by its bytes.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The decoded blocks in their order. A block without its end line, or whose body is not
/// base64 (an encrypted traditional key has header lines, for one), is left out.
pub fn blocks(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let joined = Zeroizing::new(text.replace("\\r", ""));
    let unescaped = Zeroizing::new(joined.replace("\\n", "\n"));
    let mut rest = unescaped.as_str();
    let mut found = Vec::new();
    while let Some((_, after)) = rest.split_once(BEGIN) {
        rest = after;
        if let Some(der) = first_block(after) {
            found.push(der);
        }
    }
    found
}

/// One PKCS#8 key as a block, in lines of 64 characters.
pub fn write_private_key(der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    // Reserved at full size, for the same reason as below.
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    text.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

/// Decodes the block whose label starts the text.
fn first_block(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (label, body) = text.split_once(DASHES)?;
    let (body, end) = body.split_once(END)?;
    if body.contains(BEGIN) || !end.strip_prefix(label)?.starts_with(DASHES) {
        return None;
    }
    // Reserved at full size: growing would leave copies of the key behind.
    let mut compact = Zeroizing::new(String::with_capacity(body.len()));
    compact.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(compact.len())]);
    let length = STANDARD.decode_slice(compact.as_bytes(), &mut der).ok()?;
    der.truncate(length);
    Some(der)
}
