//! What of names needs a person.

use sark_api::Problem;

use super::Names;

impl Names {
    /// Resolvers that do not answer, and names that nobody answers.
    pub fn problems(&self) -> Vec<Problem> {
        let known = self.known();
        let down = known.resolvers.down().map(|(id, since, error)| Problem {
            code: "resolver-down".to_owned(),
            message: format!("the resolver {id} does not answer since {since}: {error}"),
            help: Some(error.help().to_owned()),
        });
        let mut problems: Vec<_> = down.collect();
        let names = known.ageing.memory().names.iter();
        let stale: Vec<_> = names.filter(|(_, name)| name.stale_since.is_some()).collect();
        if let [(first, _), rest @ ..] = &stale[..] {
            let message = match rest.len() {
                0 => format!("no resolver answers for {first}"),
                more => format!("no resolver answers for {first} and {more} more names"),
            };
            problems.push(Problem {
                code: "names-stale".to_owned(),
                message,
                help: Some("what they led to stays; see sarkctl registry names".to_owned()),
            });
        }
        if known.ageing.counts().unasked > 0 {
            problems.push(Problem {
                code: "names-unasked".to_owned(),
                message: format!(
                    "{} names are not asked for: too many",
                    known.ageing.counts().unasked
                ),
                help: Some(
                    "raise registry.resolve.ageing.listedNames, or take the feed out that has them"
                        .to_owned(),
                ),
            });
        }
        problems
    }
}
