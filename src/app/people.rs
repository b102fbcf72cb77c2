//! `authgate reset-password`: for whoever has the machine when nobody can sign in any more.
use super::{StartFailure, beside, house, settings};
use crate::{
    config::Config,
    domain::secret::Secret,
    flows::{
        FlowError,
        people::{self, PeopleDeps, PeopleError, WithPassword},
    },
};
use std::sync::Arc;

/// Gives the person of this name the password that was chosen, or one that is drawn. Inside, who and which, or the words
/// for what was refused.
///
/// # Errors
/// When the database cannot be opened.
pub async fn reset_password(
    config: &Config,
    username: &str,
    chosen: Option<Secret>,
) -> Result<Result<WithPassword, String>, StartFailure> {
    let ground = beside::ground(config).await?;
    let algorithm = settings::password_algorithm(config, &ground.store);
    let algorithm = algorithm
        .await
        .map_err(|error| StartFailure::Command(error.to_string()))?;
    let deps = PeopleDeps {
        ground: ground.clone(),
        algorithm,
        policy: Arc::new(house::password_policy(config, algorithm)),
        idle: config.session.idle_timeout,
    };
    let made = people::reset_by_operator(&deps, username, chosen).await;
    beside::leave(&ground).await?;
    Ok(made.map_err(|error| refused(error, username)))
}

fn refused(error: PeopleError, username: &str) -> String {
    match error {
        PeopleError::Unknown => format!("There is nobody called {username:?}."),
        PeopleError::NotLocal => format!("The password of {username:?} is kept elsewhere."),
        PeopleError::Password(violation) => violation.to_string(),
        PeopleError::Flow(FlowError::Internal(why)) if why.contains("users") => {
            format!("{why} (has this database been used by the server, or `authgate migrate`?)")
        }
        PeopleError::Flow(FlowError::Internal(why) | FlowError::Unavailable(why)) => why,
        PeopleError::Flow(FlowError::Protocol(error)) => error.description.into_owned(),
        // What becomes of administrators and of forms.
        PeopleError::Faults(_)
        | PeopleError::Already(_)
        | PeopleError::Oneself
        | PeopleError::LastAdmin
        | PeopleError::AlreadySo
        | PeopleError::Stale
        | PeopleError::NotAdmin => format!("The password of {username:?} stays as it is."),
    }
}
