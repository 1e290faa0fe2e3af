//! `docs/reference/sarkctl.md` says what can be typed.

#[test]
fn the_reference_page_is_the_argument_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/sarkctl.md");
    let page = sarkctl::reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        stored == page,
        "docs/reference/sarkctl.md is stale: UPDATE_GOLDEN=1 cargo test -p sarkctl"
    );
}
