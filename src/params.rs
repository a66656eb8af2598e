//! `params` of a get and of a put: what the user wrote becomes options that are valid. One file a
//! track, one for what every track takes, and one for gets of a single file.

mod artifacts;
mod file;
mod object;
mod package;
mod promotion;

pub use artifacts::{CommitOf, GetArtifacts, PutArtifacts};
pub use file::GetFile;
pub use object::pairs;
pub use package::{PackageVersion, PutPackage};
pub use promotion::{Act, PutPromotion, VersionOf};

use serde_json::{Value, json};

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    [artifacts::keys(), promotion::keys(), package::keys()].concat()
}

/// JSON Schema of a get's params and of a put's.
pub fn schemas() -> [Value; 2] {
    let tracks = [artifacts::schemas(), promotion::schemas(), package::schemas()];
    let (gets, puts): (Vec<Value>, Vec<Value>) =
        tracks.into_iter().map(|[get, put]| (get, put)).unzip();
    [
        json!({"title": "params of a get, by track", "anyOf": gets}),
        json!({"title": "params of a put, by track", "anyOf": puts}),
    ]
}
