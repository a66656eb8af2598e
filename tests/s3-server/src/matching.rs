//! Which requests a rule is about.

/// A predicate over an operation and a key; what is unset does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matching {
    pub(crate) operation: Option<String>,
    pub(crate) key_is: Option<String>,
    pub(crate) key_contains: Option<String>,
}

impl Matching {
    pub(crate) fn matches(&self, operation: &str, key: Option<&str>) -> bool {
        let asks_for_key = self.key_is.is_some() || self.key_contains.is_some();
        let fits = |key: &str| {
            self.key_is.as_deref().is_none_or(|wanted| wanted == key)
                && self.key_contains.as_deref().is_none_or(|part| key.contains(part))
        };
        self.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && (!asks_for_key || key.is_some_and(fits))
    }
}
