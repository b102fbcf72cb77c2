//! Servers that fail on demand: the same program, built with the feature `fault-hooks`.
use crate::support::{Engine, Server};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// The program with fault hooks. It is built from what the tests were built from, so that only this crate is compiled
/// anew, and `cargo test` alone suffices.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let plain = Path::new(env!("CARGO_BIN_EXE_authgate"));
        let built = plain.ancestors().nth(2).unwrap();
        let target = built.join("fault-hooks");
        let mut build = Command::new(env!("CARGO"));
        // What cargo tells a test about its package, and where it was built: libraries whose build looks at it would be
        // compiled anew, and again with the next build outside of a test.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let is_told = text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_");
            if is_told || text == "OUT_DIR" {
                build.env_remove(&name);
            }
        }
        let status = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_BUILD_BUILD_DIR", built)
            // A test beside it, so that libraries have the features with which the tests built them.
            .args([
                "build",
                "--locked",
                "--quiet",
                "--bin",
                "authgate",
                "--test",
                "architecture",
            ])
            .args(["--features", "fault-hooks", "--target-dir"])
            .arg(&target)
            .status();
        assert!(
            status.unwrap().success(),
            "the build with fault hooks failed"
        );
        target.join("debug/authgate")
    })
}

/// A server that is not running yet and fails on demand.
pub async fn prepared(engine: Engine, env: &[(&str, &str)]) -> Server {
    let program = tokio::task::spawn_blocking(program).await.unwrap();
    let mut server = Server::prepared(engine, env).await;
    server.program = program.to_owned();
    let armed = armed(&server, "");
    std::fs::create_dir(&armed).unwrap();
    server.set("AUTHGATE_FAULTS", armed.to_str().unwrap());
    server
}

/// A server that fails on demand.
pub async fn start(engine: Engine, env: &[(&str, &str)]) -> Server {
    let mut server = prepared(engine, env).await;
    server.launch().await;
    server.read_client_id();
    server
}

fn armed(server: &Server, fault: &str) -> PathBuf {
    server.directory.path().join("faults").join(fault)
}

/// From now on the fault is there.
pub fn arm(server: &Server, fault: &str) {
    std::fs::write(armed(server, fault), "").unwrap();
}

/// The fault is over, and so is what was told of it.
pub fn disarm(server: &Server, fault: &str) {
    let file = armed(server, fault);
    std::fs::remove_file(&file).unwrap();
    let told = fault.replace("hold.", "held.");
    if told != fault {
        std::fs::remove_file(file.with_file_name(told)).unwrap();
    }
}

/// How many have come to a place where they are held.
pub fn held(server: &Server, place: &str) -> usize {
    let arrivals = std::fs::metadata(armed(server, &format!("held.{place}")));
    arrivals.map_or(0, |arrivals| arrivals.len() as usize)
}

/// Whether the fault has not struck yet.
pub fn is_armed(server: &Server, fault: &str) -> bool {
    armed(server, fault).exists()
}

/// Waits until the fault has struck.
pub async fn struck(server: &Server, fault: &str) {
    let began = Instant::now();
    while is_armed(server, fault) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{fault} never struck: {}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The program that people run has no such door.
#[test]
fn no_other_build_knows_the_hooks() {
    let holds = |program: &Path| {
        let bytes = std::fs::read(program).unwrap();
        let name = b"AUTHGATE_FAULTS";
        bytes.windows(name.len()).any(|window| window == name)
    };
    assert!(holds(program()));
    assert!(!holds(Path::new(env!("CARGO_BIN_EXE_authgate"))));
}
