//! What a person has to mend of how alerts are told.

use std::sync::PoisonError;

use sark_api::Problem;
use sark_core::audit::AuditRecord;

use super::Alerts;

/// Names that are kept: they are for a person, who finds the rest in the policies.
const MOST: usize = 8;

impl Alerts {
    /// All, by what was told since the start.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let unknown = self.unknown_routes.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.is_empty() {
            return Vec::new();
        }
        let names: Vec<_> = unknown.iter().map(|name| format!("{name:?}")).collect();
        let message = format!(
            "policies notify routes that `alerts.routes` does not have: {}",
            names.join(", ")
        );
        let help = "name them under `alerts.routes`, or routes that are there in the policies; until \
                    then what names them goes where its severity leads, and what no route takes to \
                    the one that takes most";
        vec![Problem { code: "alerts-no-route".to_owned(), message, help: Some(help.to_owned()) }]
    }

    /// Remembers the routes that these name and that there are not.
    pub(super) fn look_at_routes(&self, records: &[(u64, AuditRecord)]) {
        if !self.has_routes {
            return;
        }
        let mut unknown = self.unknown_routes.lock().unwrap_or_else(PoisonError::into_inner);
        for name in sark_alerts::unknown_routes(&self.plan.routes, records) {
            if unknown.len() < MOST && unknown.insert(name.clone()) {
                tracing::warn!(
                    route = name,
                    "a policy notifies a route that alerts.routes does not have"
                );
            }
        }
    }
}
