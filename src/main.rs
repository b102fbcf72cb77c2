//! The binary: parses arguments and turns an outcome into an exit code. Nothing else lives here.
fn main() {}
