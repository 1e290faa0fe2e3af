//! The policy reference, from the same comments as the schema.

/// The page `docs/policy-reference.md`.
#[must_use]
pub fn reference() -> String {
    String::new()
}
