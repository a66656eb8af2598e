//! Every track's three programs, so that a fault is tried at each of them.

use crate::support::{Embedded, Inputs, Resource, Run, Tree, commit, on_threads};
use serde_json::{Value, json};

/// A track over a server, with what its programs are given.
#[derive(Clone)]
pub(super) struct Track {
    pub(super) name: &'static str,
    pub(super) resource: Resource,
    params: Value,
}

impl Track {
    /// The same over another server.
    pub(super) fn at(&self, server: &Embedded) -> Track {
        let resource = self.resource.clone().set("endpoint", server.endpoint());
        Track { resource, ..self.clone() }
    }

    /// Puts the same file each time.
    pub(super) fn put(&self) -> Run {
        self.put_of(b"some bytes".to_vec())
    }

    pub(super) fn put_of(&self, bytes: Vec<u8>) -> Run {
        self.resource.put(Inputs::of(&Tree::of("app-1.bin", bytes)).path(), &self.params)
    }

    /// The three programs, of which the last two are told of a version.
    pub(super) fn programs(&self, version: &Value) -> [(&'static str, Run); 4] {
        [
            ("check", self.resource.check(None)),
            ("check of a version", self.resource.check(Some(version))),
            ("in", self.resource.get(version, json!({})).run),
            ("out", self.put()),
        ]
    }
}

/// Does something with each track, over a server of its own.
pub(super) fn each_track(does: impl Fn(&Embedded, &Track) + Sync) {
    let count = tracks(&Embedded::new()).len();
    on_threads(2, &(0..count).collect::<Vec<_>>(), |index| {
        let server = Embedded::new();
        does(&server, &tracks(&server)[*index]);
    });
}

/// A new track is one more line here.
fn tracks(server: &Embedded) -> Vec<Track> {
    let bare = server.resource().unset("artifacts");
    let file = "assets/app-*.bin";
    let ranks = json!({"ranks": ["qa", "live"], "rank": "qa", "file": "app.bin"});
    let track = |name, resource: &Resource, key: &str, track: Value, params| Track {
        name,
        resource: resource.clone().set(key, track),
        params,
    };
    vec![
        track(
            "artifacts",
            &bare,
            "artifacts",
            json!({}),
            json!({"commit": commit(1), "directory": "assets"}),
        ),
        track("promotion", &bare, "promotion", ranks, json!({"file": file, "version": "1.0"})),
        track("package", &bare, "package", json!({"name": "team/app"}), json!({"file": file})),
        track(
            "a package's tag",
            &bare,
            "package",
            json!({"name": "team/tagged", "tag": "live"}),
            json!({"file": file, "tags": ["live"]}),
        ),
    ]
}
