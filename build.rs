//! Compresses the files that pages load, so that the program carries them ready to be sent, and tells it what it was built
//! from.
use std::{env, error::Error, fs, io::Write as _, path::Path, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=static");
    let target = env::var("OUT_DIR")?;
    for entry in fs::read_dir("static")? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a name")?;
        let file = fs::File::create(Path::new(&target).join(format!("{name}.br")))?;
        let mut brotli = brotli::CompressorWriter::new(file, 4096, 11, 22);
        brotli.write_all(&fs::read(&path)?)?;
        brotli.flush()?;
    }
    stamp();
    Ok(())
}

/// The commit, from `AUTHGATE_COMMIT` or else, in a release build, from git; the time, from `SOURCE_DATE_EPOCH` alone, so that
/// the same source gives the same program; and the compiler. What is not known is not told.
fn stamp() {
    println!("cargo::rerun-if-env-changed=AUTHGATE_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let given = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
    // While one works on it the program need not be built again for each commit.
    let is_released = given("PROFILE").as_deref() == Some("release");
    let commit = given("AUTHGATE_COMMIT").or_else(|| is_released.then(commit).flatten());
    let compiler = given("RUSTC").and_then(|rustc| said(&rustc, &["-V"]));
    for (name, value) in [
        ("AUTHGATE_COMMIT", commit),
        ("AUTHGATE_BUILD_TIME", given("SOURCE_DATE_EPOCH")),
        ("AUTHGATE_COMPILER", compiler),
    ] {
        println!("cargo::rustc-env={name}={}", value.unwrap_or_default());
    }
}

fn commit() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    let head = said("git", &["rev-parse", "HEAD"])?;
    let log = said("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    Some(head)
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
