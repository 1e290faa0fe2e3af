//! The steps of the schema: the files in `migrations/`, `NUMBER_what_for.sql`, forward only.
//!
//! Not by sqlx's macro, for which all of sqlx, with its engines, is compiled a second time.

use std::borrow::Cow;
use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Of SQLite.
pub(crate) static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| of(include!(concat!(env!("OUT_DIR"), "/sqlite.rs"))));

/// Of PostgreSQL.
pub(crate) static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| of(include!(concat!(env!("OUT_DIR"), "/postgres.rs"))));

fn of(files: &[(&str, &'static str)]) -> Migrator {
    let step = |(name, text): &(&str, &'static str)| {
        let (number, what) = name.split_once('_')?;
        let (number, what) = (number.parse().ok()?, Cow::Owned(what.replace('_', " ")));
        Some(Migration::new(number, what, MigrationType::Simple, text.into_sql_str(), false))
    };
    Migrator::with_migrations(files.iter().filter_map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step_of_both_engines() {
        for (engine, steps) in [("sqlite", &SQLITE), ("postgres", &POSTGRES)] {
            let directory = format!("{}/migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
            let files = std::fs::read_dir(directory).unwrap().count();
            assert_eq!(steps.iter().count(), files, "{engine}");
        }
        let numbers = |steps: &Migrator| steps.iter().map(|step| step.version).collect::<Vec<_>>();
        assert_eq!(numbers(&SQLITE), numbers(&POSTGRES));
    }
}
