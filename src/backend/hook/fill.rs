//! Puts the values of one order into the user's texts. A value can never become more than a value.

use crate::backend::BackendError;
use crate::backend::hook::spec::PLACEHOLDERS;
use crate::domain::text::clean;
use crate::domain::{Order, Revision, Side, placeholder};

/// Longest revision, in bytes.
const MAX_REVISION: usize = 200;

/// The values of the placeholders.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(Vec<(&'static str, String)>);

impl Values {
    /// For reading: only the service is known.
    pub(super) fn of_reading(service: &str) -> Self {
        let known = |name| if name == "service" { service.to_owned() } else { String::new() };
        Self(PLACEHOLDERS.iter().map(|name| (*name, known(*name))).collect())
    }

    /// For an order. `seen` is the last revision that was read.
    ///
    /// # Errors
    /// An id or a revision that cannot be passed on safely.
    pub(super) fn of_order(service: &str, order: &Order, seen: Option<&Revision>) -> Result<Self, BackendError> {
        let text = |revision: Option<&Revision>| revision.map_or_else(String::new, |revision| revision.0.clone());
        let (expected, seen) = (text(order.expected.as_ref()), text(seen));
        for (what, value) in [("order id", &order.id.0), ("revision", &expected), ("revision", &seen)] {
            if !value.is_empty() && !is_plain(value) {
                return Err(BackendError::Refused(format!(
                    "the {what} {:?} holds characters that are not passed on; allowed are letters, digits and . _ : + / = @ , -",
                    clean(value, 60)
                )));
            }
        }
        // Reason: an empty revision means "in any state", which only a rollback may say.
        if order.expected.is_some() && expected.is_empty() {
            return Err(BackendError::Refused("the revision it was made for is empty".into()));
        }
        let value = |name: &str| match name {
            "blue" => order.target.share(Side::Blue).to_string(),
            "green" => order.target.share(Side::Green).to_string(),
            "from" => order.toward.other().name().to_owned(),
            "to" => order.toward.name().to_owned(),
            "move" => order.kind.verb().to_owned(),
            "order" => order.id.0.clone(),
            "expected" => expected.clone(),
            "revision" => seen.clone(),
            _ => service.to_owned(),
        };
        Ok(Self(PLACEHOLDERS.iter().map(|name| (*name, value(name))).collect()))
    }

    /// `text` with its placeholders filled in, each value passed through `escape`.
    pub(super) fn fill(&self, text: &str, escape: fn(&str) -> String) -> Result<String, BackendError> {
        placeholder::fill_of(&PLACEHOLDERS, text, |name| Ok(self.get(name).map(escape).unwrap_or_default()))
            .map_err(BackendError::Refused)
    }

    /// Name and value of each placeholder, for a command's environment.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Whether `text` needs no escaping in an argument, a shell script, JSON, a header and a URL's query.
pub(super) fn is_plain(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._:+/=@,-".contains(&b);
    (1..=MAX_REVISION).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Move, OrderId, Split};

    fn order(expected: &str) -> Order {
        Order {
            id: OrderId("7f3e".into()),
            kind: Move::Promote,
            from: None,
            target: Split::toward(Side::Green, 10),
            toward: Side::Green,
            expected: Some(Revision(expected.into())),
        }
    }

    #[test]
    fn every_placeholder_has_its_value() {
        let values = Values::of_order("spam", &order("W/7"), Some(&Revision("8".into()))).unwrap();
        let text = "{{blue}} {{green}} {{from}} {{to}} {{move}} {{order}} {{expected}} {{revision}} {{service}}";
        let filled = values.fill(text, str::to_owned).unwrap();
        assert_eq!(filled, "90 10 blue green promote 7f3e W/7 8 spam");
        assert_eq!(Values::of_reading("spam").fill("{{service}}{{green}}", str::to_owned).unwrap(), "spam");
    }

    #[test]
    fn what_could_be_more_than_a_value_is_refused() {
        for hostile in ["7; rm -rf x", "7\n8", "$(id)", "a\"b", "--force", "a b", "`id`", &"x".repeat(300)] {
            assert!(Values::of_order("spam", &order(hostile), None).is_err(), "{hostile}");
            assert!(Values::of_order("spam", &order("7"), Some(&Revision(hostile.into()))).is_err(), "{hostile}");
        }
    }
}
