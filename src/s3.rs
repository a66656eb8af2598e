//! S3: one bucket and what travels to and from it.

pub mod credentials;
pub mod fetch;
pub mod http;
pub mod store;
pub mod transfer;
