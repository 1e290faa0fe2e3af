//! What one component comes to: conditions of which one holds when it does, and no two.

use crate::values::Values;

pub enum Choice {
    /// These, as they are.
    Conditions(Vec<String>),
    /// The field has one of the values.
    Field { field: String, values: Values },
    /// The source port has one of the values, or else the destination port.
    EitherPort(Values),
}

/// The value of any two octets: only asks that they are there.
pub const ANY_TWO: &str = "0-65535";
const SOURCE_PORT: &str = "@th,0,16";
const DESTINATION_PORT: &str = "@th,16,16";

impl Choice {
    pub fn never() -> Self {
        Self::Conditions(Vec::new())
    }

    pub fn one(condition: String) -> Self {
        Self::Conditions(vec![condition])
    }

    /// A field that every packet has.
    pub fn always_there(field: &str, values: Values) -> Self {
        if values.is_all() { Self::one(String::new()) } else { Self::there(field, values) }
    }

    /// A field that not every packet has: of all values too, it has to be there.
    pub fn there(field: &str, values: Values) -> Self {
        Self::Field { field: field.to_owned(), values }
    }

    pub fn source_port(values: Values) -> Self {
        Self::there(SOURCE_PORT, values)
    }

    pub fn destination_port(values: Values) -> Self {
        Self::there(DESTINATION_PORT, values)
    }

    pub fn either_port(values: Values) -> Self {
        if values.is_all() {
            return Self::one(format!("{DESTINATION_PORT} == {ANY_TWO}"));
        }
        Self::EitherPort(values)
    }

    /// How many conditions it is [`Choice::split`] into.
    pub fn parts(&self) -> usize {
        match self {
            Self::Conditions(conditions) => conditions.len(),
            Self::Field { values, .. } => values.ranges().len(),
            Self::EitherPort(values) => 2 * values.ranges().len(),
        }
    }

    /// As few conditions as can be: several values are a set without a name.
    pub fn compact(&self) -> Vec<String> {
        match self {
            Self::Conditions(conditions) => conditions.clone(),
            Self::Field { values, .. } | Self::EitherPort(values) if values.is_empty() => {
                Vec::new()
            }
            Self::Field { field, values } => vec![format!("{field} == {values}")],
            Self::EitherPort(values) => vec![
                format!("{SOURCE_PORT} == {values}"),
                format!("{SOURCE_PORT} != {values} {DESTINATION_PORT} == {values}"),
            ],
        }
    }

    /// A condition for each range, without sets: of these the kernel has to find names, which takes
    /// as long as there are others.
    pub fn split(&self) -> Vec<String> {
        let each = |field: &str, values: &Values| -> Vec<String> {
            values.texts().map(|text| format!("{field} == {text}")).collect()
        };
        match self {
            Self::Conditions(conditions) => conditions.clone(),
            Self::Field { field, values } => each(field, values),
            Self::EitherPort(values) => {
                let not: Vec<String> =
                    values.texts().map(|text| format!("{SOURCE_PORT} != {text}")).collect();
                let not = not.join(" ");
                let otherwise = each(DESTINATION_PORT, values).into_iter();
                let otherwise = otherwise.map(|condition| format!("{not} {condition}"));
                each(SOURCE_PORT, values).into_iter().chain(otherwise).collect()
            }
        }
    }
}

/// All ways to take one condition of each.
pub fn product(choices: &[Choice], conditions: impl Fn(&Choice) -> Vec<String>) -> Vec<String> {
    choices.iter().map(conditions).fold(vec![String::new()], |so_far, choice| {
        let pairs = so_far.iter().flat_map(|a| choice.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| join(a, b)).collect()
    })
}

pub fn join(a: &str, b: &str) -> String {
    [a, b].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
