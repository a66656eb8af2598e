//! `params` of a get and of a put: what the user wrote becomes options that are valid. One file a
//! track, and one for what every track takes.

mod artifacts;
mod object;
mod package;

pub use artifacts::{CommitOf, GetArtifacts, PutArtifacts};
pub use object::pairs;
pub use package::{GetPackage, PutPackage, VersionOf};

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    [artifacts::keys(), package::keys()].concat()
}
