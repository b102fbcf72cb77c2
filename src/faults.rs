//! Faults on demand, for the tests: an actor that panics, a process that dies between two statements, guards that are
//! gone.
//!
//! Without the cargo feature `fault-hooks` every function here is empty and the optimiser leaves nothing of it. With it
//! a directory, named by `AUTHGATE_FAULTS`, says what is to happen: the file `panic.PLACE` or `abort.PLACE` strikes
//! whoever comes by that place next, and only once; while there is a file `hold.PLACE` whoever comes by waits. Other files
//! take guards away, which a test must see to matter: `unguarded` those of the single-use statements, `unlocked` the
//! second look at the parents of an issuance, `unowned` the task in which a commit outlives its request, `unturned` the
//! turns of those who sign. A
//! release build with the feature does not compile. Must not live here: what the faults are to show.

#[cfg(all(feature = "fault-hooks", not(debug_assertions)))]
compile_error!("`fault-hooks` is for the tests: no release build may have it");

/// Strikes here, if a test wants it.
#[cfg(not(feature = "fault-hooks"))]
pub fn strike(_place: &str) {}

/// The work, which a test may strike while it runs.
#[cfg(not(feature = "fault-hooks"))]
pub fn among<F: Future>(_place: &'static str, work: F) -> F {
    work
}

/// Calls `wake` until it says false whenever a test wants to strike somebody who has nothing to do.
#[cfg(not(feature = "fault-hooks"))]
pub fn rouse(_place: &'static str, _wake: impl Fn() -> bool + Send + 'static) {}

/// Whether the guards of single-use statements are to let everybody through, so that race tests can be seen to fail.
#[cfg(not(feature = "fault-hooks"))]
pub const fn unguarded() -> bool {
    false
}

/// Whether the parents of what is issued may change until it is written: on Postgres nothing locks them, on SQLite nobody
/// looks at them again.
#[cfg(not(feature = "fault-hooks"))]
pub const fn unlocked() -> bool {
    false
}

/// Whether a commit is to end with the request that began it.
#[cfg(not(feature = "fault-hooks"))]
pub const fn unowned() -> bool {
    false
}

/// Whether slow signatures are made where their request is served, all at once.
#[cfg(not(feature = "fault-hooks"))]
pub const fn unturned() -> bool {
    false
}

/// As [`hold`], and the thread does nothing else meanwhile.
#[cfg(not(feature = "fault-hooks"))]
pub fn hold_thread(_place: &str) {}

/// Waits here for as long as a test wants it.
#[cfg(not(feature = "fault-hooks"))]
pub fn hold(_place: &'static str) -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(feature = "fault-hooks")]
pub use hooks::{among, hold, hold_thread, rouse, strike, unguarded, unlocked, unowned, unturned};

#[cfg(feature = "fault-hooks")]
mod hooks {
    use std::{
        fs,
        io::Write as _,
        path::{Path, PathBuf},
        sync::OnceLock,
        time::Duration,
    };

    const LOOK_EVERY: Duration = Duration::from_millis(20);
    /// Somebody who has work comes by within this many looks.
    const PATIENCE: u32 = 10;

    fn directory() -> Option<&'static Path> {
        static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();
        let named =
            DIRECTORY.get_or_init(|| std::env::var_os("AUTHGATE_FAULTS").map(PathBuf::from));
        named.as_deref()
    }

    fn is_armed(place: &str) -> bool {
        directory().is_some_and(|dir| dir.join(format!("panic.{place}")).exists())
    }

    #[expect(clippy::panic, reason = "this is what it is asked for")]
    pub fn strike(place: &str) {
        let Some(dir) = directory() else {
            return;
        };
        // Of all who come by at the same time one takes the file away.
        if fs::remove_file(dir.join(format!("panic.{place}"))).is_ok() {
            panic!("struck at {place}");
        }
        if fs::remove_file(dir.join(format!("abort.{place}"))).is_ok() {
            std::process::abort();
        }
    }

    pub async fn among<F: Future>(place: &'static str, work: F) -> F::Output {
        let struck = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                strike(place);
            }
        };
        tokio::select! {
            output = work => output,
            () = struck => unreachable!(),
        }
    }

    pub fn rouse(place: &'static str, wake: impl Fn() -> bool + Send + 'static) {
        if directory().is_none() {
            return;
        }
        tokio::spawn(async move {
            let mut looks = 0;
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                looks = if is_armed(place) { looks + 1 } else { 0 };
                if looks >= PATIENCE && !wake() {
                    return;
                }
            }
        });
    }

    /// The file that keeps those who come by here. The file `held.PLACE` grows by a byte for each of them.
    fn held_by(place: &str) -> Option<PathBuf> {
        let held = directory()?.join(format!("hold.{place}"));
        if !held.exists() {
            return None;
        }
        let arrivals = fs::File::options()
            .create(true)
            .append(true)
            .open(held.with_file_name(format!("held.{place}")));
        if let Ok(mut arrivals) = arrivals {
            let _ = arrivals.write_all(b".");
        }
        Some(held)
    }

    pub async fn hold(place: &'static str) {
        if let Some(held) = held_by(place) {
            while held.exists() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    pub fn hold_thread(place: &str) {
        if let Some(held) = held_by(place) {
            while held.exists() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }

    fn is_there(file: &str) -> bool {
        directory().is_some_and(|dir| dir.join(file).exists())
    }

    pub fn unguarded() -> bool {
        static UNGUARDED: OnceLock<bool> = OnceLock::new();
        *UNGUARDED.get_or_init(|| is_there("unguarded"))
    }

    pub fn unlocked() -> bool {
        static UNLOCKED: OnceLock<bool> = OnceLock::new();
        *UNLOCKED.get_or_init(|| is_there("unlocked"))
    }

    pub fn unowned() -> bool {
        static UNOWNED: OnceLock<bool> = OnceLock::new();
        *UNOWNED.get_or_init(|| is_there("unowned"))
    }

    pub fn unturned() -> bool {
        static UNTURNED: OnceLock<bool> = OnceLock::new();
        *UNTURNED.get_or_init(|| is_there("unturned"))
    }
}
