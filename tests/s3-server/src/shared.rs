//! Everything that the parts of a server share.

use std::sync::{Arc, Mutex, PoisonError};

use crate::access::{Accounts, Denies};
use crate::faults::Faults;
use crate::link::Link;
use crate::log::Log;
use crate::options::Options;
use crate::rounds::Rounds;
use crate::store::Store;
use crate::sts::AssumedRole;
use crate::victim::Victim;

#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) rounds: Rounds,
    pub(crate) faults: Faults,
    pub(crate) denies: Denies,
    pub(crate) accounts: Accounts,
    pub(crate) victim: Victim,
    pub(crate) up: Arc<Link>,
    pub(crate) down: Arc<Link>,
    roles: Mutex<Vec<AssumedRole>>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let shared = Self { options, ..Self::default() };
        for rule in &shared.options.deny {
            shared.denies.add(rule.clone());
        }
        let mut state = shared.store.lock();
        for bucket in shared.options.buckets.iter().chain(&shared.options.public_buckets) {
            // A bucket named twice is there all the same.
            let _ = state.create_bucket(bucket);
        }
        for bucket in &shared.options.public_buckets {
            if let Ok(bucket) = state.bucket_mut(bucket) {
                bucket.public = true;
            }
        }
        drop(state);
        shared
    }

    pub(crate) fn assumed(&self, role: AssumedRole) {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).push(role);
    }

    pub(crate) fn assumed_roles(&self) -> Vec<AssumedRole> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
