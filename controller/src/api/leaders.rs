//! What only the leader does, of several `sarkd` on one store.

use axum::http::Method;
use sark_api::{ErrorBody, ErrorCode, routes};

use super::answer::Failure;
use crate::{Leadership, Standing};

/// Changes of what the leader keeps in memory and in the routers. Everything else is a question, or
/// is as safe in the store's transaction from here as from there.
const CHANGES: &[&str] = &[
    routes::APPLY,
    routes::WITHDRAW,
    routes::FEED_ACCEPT,
    routes::FEED_REJECT,
    routes::REFRESH,
    routes::OBSERVATIONS,
    routes::PIN,
    routes::ENTRIES,
    routes::ENTRY,
];

/// The answer to a change that another has to make.
pub(super) fn refused(leadership: &Leadership, method: &Method, route: &str) -> Option<Failure> {
    if *method == Method::GET || !CHANGES.contains(&route) {
        return None;
    }
    let (code, message, help) = match leadership.now() {
        Standing::Leading { .. } => return None,
        Standing::Following { leader } => (
            ErrorCode::NotLeading,
            format!("this sarkd follows: {leader} leads, and makes the changes"),
            format!("ask the sarkd on {leader}"),
        ),
        Standing::Unknown => (
            ErrorCode::Unavailable,
            "it is not known which sarkd leads: the store does not answer".to_owned(),
            "try again in some seconds; sarkctl doctor says more".to_owned(),
        ),
    };
    Some(Failure(ErrorBody::new(code, message).with_help(help)))
}
