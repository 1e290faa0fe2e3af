//! How much memory things take.

use crate::Endpoint;

/// Octets of a [`Snapshot`](crate::Snapshot), without what the allocator adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The endpoints: their texts, names, prefixes.
    pub endpoints: usize,
    /// Finding endpoints by address.
    pub prefixes: usize,
    /// Finding endpoints by name.
    pub names: usize,
}

impl Endpoint {
    /// Gives back what its lists have room for and do not hold.
    pub(crate) fn shrink(&mut self) {
        self.names.shrink_to_fit();
        self.prefixes.shrink_to_fit();
        self.learned.shrink_to_fit();
        self.ports.shrink_to_fit();
        self.sources.shrink_to_fit();
        self.layers.shrink_to_fit();
        self.shared.shrink_to_fit();
    }

    /// Octets it takes: what few endpoints have is counted without what it holds itself.
    pub(crate) fn octets(&self) -> usize {
        let texts = [&self.id, &self.provider, &self.title];
        let texts = texts.into_iter().chain(self.sources.iter().map(|source| &source.source));
        size_of::<Self>()
            + texts.map(String::capacity).sum::<usize>()
            + self.names.iter().map(|name| size_of_val(name) + name.apart()).sum::<usize>()
            + size_of_val(&*self.prefixes)
            + size_of_val(&*self.learned)
            + size_of_val(&*self.ports)
            + size_of_val(&*self.sources)
            + size_of_val(&*self.layers)
            + size_of_val(&*self.shared)
    }
}
