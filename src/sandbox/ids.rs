//! Ids as Render makes them: a prefix and twenty digits or lower-case letters (contract §2).

use fastrand::Rng;

/// Characters after the prefix: an xid.
const XID_LEN: usize = 20;
/// Characters that tell two instances of a service apart.
const INSTANCE_LEN: usize = 5;

/// A source of ids: the same seed gives the same ids.
#[derive(Debug)]
pub(super) struct Ids(Rng);

impl Ids {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    /// `dep-…`, `evt-…`: `prefix` without its dash.
    pub(super) fn next(&mut self, prefix: &str) -> String {
        format!("{prefix}-{}", self.word(XID_LEN))
    }

    /// `srv-…-sbpkm`.
    pub(super) fn instance(&mut self, service: &str) -> String {
        format!("{service}-{}", self.word(INSTANCE_LEN))
    }

    /// A value for `generateValue` and for keys: random, but only as secret as a sandbox must be.
    pub(super) fn word(&mut self, len: usize) -> String {
        const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        (0..len).map(|_| char::from(ALPHABET[self.0.usize(..ALPHABET.len())])).collect()
    }
}
