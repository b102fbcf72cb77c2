//! The binary: reads the command line, runs the command, and turns its outcome into an exit code.
use authgate::{
    app::{self, StartFailure},
    cli::{self, Command, KeysCommand},
    config::{
        Config, Judged,
        metrics::{LogFormat, LogLevel},
        sources::Sources,
    },
    domain::{secret::Secret, time::random},
    host::HostEntropy,
    passwords::{self, HashAlgorithm},
    telemetry,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    io::{self, BufRead as _, Write as _},
    process::ExitCode,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let name = arguments.next().unwrap_or_else(|| "authgate".to_owned());
    let arguments: Vec<String> = arguments.collect();
    match cli::parse(&arguments) {
        Ok(Command::Version) => say(&cli::version()),
        Ok(Command::Help) => say(&cli::usage(&name)),
        Ok(Command::Server) => server(),
        Ok(Command::CheckConfig) => check_config(),
        Ok(Command::Migrate) => migrate(),
        Ok(Command::HashPassword { bcrypt }) => hash_password(bcrypt),
        Ok(Command::GenerateSecrets) => generate_secrets(),
        Ok(Command::Explain(reference)) => explain(reference),
        Ok(Command::Keys(command)) => keys(command),
        Ok(Command::ResetPassword { username, typed }) => reset_password(username, typed),
        Err(misuse) => {
            complain(&format!("{misuse}\n\n{}", cli::usage(&name)));
            ExitCode::from(misuse.exit_code())
        }
    }
}

/// Standard output; a reader who went away is no failure.
fn say(text: &str) -> ExitCode {
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// The configuration, with its warnings told; or every error told, with those that `look` finds beside them.
fn configured(look: impl FnOnce(&Judged) -> Vec<String>) -> Result<Config, ExitCode> {
    let mut judged = Config::judge(&Sources::of_process());
    let found = look(&judged);
    judged.errors.extend(found);
    if !judged.errors.is_empty() {
        complain(&StartFailure::Configuration(judged.errors).to_string());
        return Err(ExitCode::FAILURE);
    }
    for warning in &judged.warnings {
        complain(&format!("Warning: {warning}"));
    }
    Ok(judged.config)
}

/// Settings alone: not every command needs what they point to.
fn settings_alone(_: &Judged) -> Vec<String> {
    Vec::new()
}

fn check_config() -> ExitCode {
    match configured(|judged| app::check(&judged.config)) {
        Ok(config) => say(&format!(
            "The configuration is valid.\nA stop takes at most {} s: give it that as terminationGracePeriodSeconds or TimeoutStopSec.\n",
            app::longest_stop(&config).as_secs()
        )),
        Err(code) => code,
    }
}

fn server() -> ExitCode {
    // Where the settings are sound the start itself looks at what they point to, once.
    let config = configured(|judged| match judged.errors.is_empty() {
        true => Vec::new(),
        false => app::check(&judged.config),
    });
    in_runtime(config, |config| async move { app::run(config).await })
}

fn migrate() -> ExitCode {
    in_runtime(configured(settings_alone), |config| async move {
        let adoption = app::migrate(&config).await?;
        tracing::info!(?adoption, "the database is up to date");
        Ok(ExitCode::SUCCESS)
    })
}

fn explain(reference: String) -> ExitCode {
    in_runtime(configured(settings_alone), |config| async move {
        let explained = app::explain(&config, &reference).await?;
        Ok(say(&explained.to_string()))
    })
}

fn keys(command: KeysCommand) -> ExitCode {
    in_runtime(configured(settings_alone), |config| async move {
        let told = app::keys::command::run(&config, command).await?;
        Ok(match told {
            Ok(text) => say(&text),
            Err(refusal) => {
                complain(&refusal);
                ExitCode::FAILURE
            }
        })
    })
}

fn in_runtime<F>(config: Result<Config, ExitCode>, command: impl FnOnce(Config) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, StartFailure>>,
{
    let config = match config {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Err(error) = telemetry::start(level(config.log.level), format(config.log.format)) {
        complain(&error);
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("Failed to start server: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(command(config)) {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::FAILURE
        }
    };
    // Whatever still blocks a thread must not keep the process.
    runtime.shutdown_background();
    code
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info,authgate::access=info",
        LogLevel::Debug => "debug,h2=info,hyper=info,rustls=info",
        LogLevel::Trace => "trace",
    }
}

fn format(format: LogFormat) -> telemetry::LogFormat {
    match format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    }
}

/// The password goes to standard output and nothing else does, so that a script can take it from there.
fn reset_password(username: String, typed: bool) -> ExitCode {
    let chosen = match typed.then(read_password).transpose() {
        Ok(chosen) => chosen,
        Err(code) => return code,
    };
    in_runtime(configured(settings_alone), |config| async move {
        let drawn = chosen.is_none();
        Ok(
            match app::people::reset_password(&config, &username, chosen).await? {
                Ok(made) => {
                    let name = &made.user.username;
                    complain(&format!(
                        "The password of {name:?} is replaced and must be changed at the next sign-in; sessions and tokens have ended."
                    ));
                    if !made.user.is_active {
                        complain("They are switched off and cannot sign in.");
                    }
                    if drawn {
                        say(&format!("{}\n", made.password.expose()))
                    } else {
                        ExitCode::SUCCESS
                    }
                }
                Err(refusal) => {
                    complain(&refusal);
                    ExitCode::FAILURE
                }
            },
        )
    })
}

/// A line of standard input.
fn read_password() -> Result<Secret, ExitCode> {
    let mut line = zeroize::Zeroizing::new(String::new());
    if let Err(error) = io::stdin().lock().read_line(&mut line) {
        complain(&format!("the password could not be read: {error}"));
        return Err(ExitCode::FAILURE);
    }
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        complain("the password is empty: type it, or send it to standard input");
        return Err(ExitCode::FAILURE);
    }
    Ok(Secret::new(password))
}

fn hash_password(bcrypt: bool) -> ExitCode {
    let password = match read_password() {
        Ok(password) => password,
        Err(code) => return code,
    };
    let algorithm = if bcrypt {
        HashAlgorithm::Bcrypt
    } else {
        HashAlgorithm::Argon2id
    };
    let hashed = random(&HostEntropy::default())
        .map_err(|error| error.to_string())
        .and_then(|salt| {
            passwords::hash(algorithm, password.expose().as_bytes(), salt)
                .map_err(|error| error.to_string())
        });
    match hashed {
        Ok(hash) => say(&format!("{hash}\n")),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn generate_secrets() -> ExitCode {
    let entropy = HostEntropy::default();
    let mut lines = String::new();
    for name in ["JWT_SECRET", "SESSION_SECRET", "ENCRYPTION_KEY"] {
        match random::<32>(&entropy) {
            Ok(bytes) => lines += &format!("{name}={}\n", STANDARD.encode(bytes)),
            Err(error) => {
                complain(&error.to_string());
                return ExitCode::FAILURE;
            }
        }
    }
    say(&lines)
}
