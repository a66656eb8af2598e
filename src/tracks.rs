//! The tracks: what a resource can follow. One folder for each; here the one enum of them, and the
//! one `match` each for what is asked of every track.

pub mod artifacts;
pub mod files;
pub mod gocd;
pub mod package;
pub mod promotion;

use crate::input::common::{self, Common, Settings};
use crate::input::get_file::GetFile;
use crate::input::lenient::{Text, closed, fields_of, forgiven, read, refuse_unknown, schema_of};
use crate::input::protocol::{Planned, Response, Version, Versions};
use crate::s3::store::Store;
use crate::s3::transfer::Engine;
use crate::words::build::Run;
use crate::words::fault::fault;
use crate::words::names::Prefix;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A valid `source`.
#[derive(Debug, Clone)]
pub struct Source {
    /// What every track is told.
    pub settings: Settings,
    /// What this resource follows.
    pub track: Track,
}

/// The track of a resource.
#[derive(Debug, Clone)]
pub enum Track {
    /// Sets of files, one for each commit.
    Artifacts(artifacts::source::Artifacts),
    /// Folders that GoCD recognises.
    Gocd(gocd::source::Gocd),
    /// Versions of a package, with tags.
    Package(package::source::Package),
    /// A file that climbs through ranks.
    Promotion(promotion::source::Promotion),
    /// Files that a pattern names, or the versions of one.
    Files(files::source::Files),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Tracks {
    /// Sets of files, one for each commit; `{}` takes every default.
    artifacts: Option<Value>,
    /// A file that climbs through ranks: one resource for each rank.
    promotion: Option<Value>,
    /// Versions of a package, with tags.
    package: Option<Value>,
    /// Folders that GoCD's S3 material recognises, and that GoCD published.
    gocd: Option<Value>,
    /// Files whose path matches this regular expression, in Go's syntax; its group is the version.
    regexp: Text,
    /// The key of one file, in a bucket that keeps versions: each version of it is one.
    versioned_file: Text,
}

impl Source {
    /// Validates what the user wrote, without a network.
    pub fn parse(source: &Map<String, Value>) -> anyhow::Result<Source> {
        let known = [common::keys(), fields_of::<Tracks>()];
        let is_other = |key: &&str| source.contains_key(*key);
        if OBJECTS.iter().any(is_other) {
            refuse_unknown("source", source, &known)?;
            return Source::read(source, Vec::new());
        }
        let known = [known[0], known[1], files::source::keys()];
        let (kept, warnings) = forgiven("source", source, &known);
        let tracks: Tracks = read("source", &kept)?;
        if tracks.regexp.get().is_none() && tracks.versioned_file.get().is_none() {
            // The key that is not known may have been meant to be the track's.
            refuse_unknown("source", source, &known)?;
        }
        Source::read(&kept, warnings)
    }

    fn read(source: &Map<String, Value>, warnings: Vec<String>) -> anyhow::Result<Source> {
        let common = Common::read(source)?;
        let track = track(source, &read("source", source)?, &common.prefix()?)?;
        let mut settings = common.settings()?;
        settings.warnings.extend(warnings);
        Ok(Source { track, settings })
    }
}

/// The answer of a check, oldest first, at a cost that does not grow with the number of versions.
pub async fn check(
    source: &Source,
    store: &Store,
    version: Option<&Version>,
) -> anyhow::Result<Versions> {
    let settings = &source.settings;
    let versions = match &source.track {
        Track::Artifacts(track) => artifacts::check::check(settings, track, store, version).await,
        Track::Gocd(track) => gocd::check::check(settings, track, store, version).await,
        Track::Package(track) => package::check::check(settings, track, store, version).await,
        Track::Promotion(track) => promotion::check::check(settings, track, store, version).await,
        Track::Files(track) => return files::check::check(settings, track, store, version).await,
    };
    versions.map(Versions::Of)
}

/// Fetches a version into a directory: each byte checked, or an error and nothing.
///
/// A pure function of source, version and params: Concourse caches what it writes.
pub async fn get(
    source: &Source,
    engine: &Engine,
    version: &Version,
    params: &Map<String, Value>,
    destination: &Path,
) -> anyhow::Result<Response> {
    let settings = &source.settings;
    match &source.track {
        Track::Artifacts(track) => {
            let params = artifacts::params::GetArtifacts::parse(params)?;
            artifacts::get::get(settings, track, engine, version, &params, destination).await
        }
        Track::Gocd(track) => {
            let params = gocd::params::GetGocd::parse(params)?;
            gocd::get::get(settings, track, engine, version, &params, destination).await
        }
        Track::Package(track) => {
            let params = GetFile::parse(params)?;
            package::get::get(settings, track, engine, version, &params, destination).await
        }
        Track::Promotion(track) => {
            let params = GetFile::parse(params)?;
            promotion::get::get(settings, track, engine, version, &params, destination).await
        }
        Track::Files(track) => {
            let params = files::params::GetFiles::parse(params)?;
            files::get::get(settings, track, engine, version, params, destination).await
        }
    }
}

/// Carries out a put; `sources` is the directory of its inputs, `run` who does it and when.
pub async fn put(
    source: &Source,
    engine: &Engine,
    params: &Map<String, Value>,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Response> {
    match &source.track {
        Track::Artifacts(track) => {
            let params = artifacts::params::PutArtifacts::parse(params)?;
            artifacts::put::put(track, engine, &params, sources, run).await
        }
        Track::Gocd(track) => {
            let params = gocd::params::PutGocd::parse(params)?;
            gocd::put::put(track, engine, &params, sources, run).await
        }
        Track::Package(track) => {
            let params = package::params::PutPackage::parse(params, track)?;
            package::put::put(track, engine, &params, sources, run).await
        }
        Track::Promotion(track) => {
            let params = promotion::params::PutPromotion::parse(params, track)?;
            promotion::put::put(track, engine, &params, sources, run).await
        }
        Track::Files(track) => {
            let params = files::params::PutFiles::parse(params)?;
            files::put::put(&source.settings, track, engine, &params, sources).await
        }
    }
}

/// What a put would do now, and what it would answer: reads only.
pub async fn planned(
    source: &Source,
    engine: &Engine,
    params: &Map<String, Value>,
    sources: &Path,
    run: &Run,
) -> anyhow::Result<Planned> {
    match &source.track {
        Track::Artifacts(track) => {
            let params = artifacts::params::PutArtifacts::parse(params)?;
            artifacts::put::planned(track, engine, &params, sources, run).await
        }
        Track::Package(track) => {
            let params = package::params::PutPackage::parse(params, track)?;
            package::put::planned(track, engine, &params, sources, run).await
        }
        Track::Gocd(track) => {
            let params = gocd::params::PutGocd::parse(params)?;
            gocd::put::planned(track, engine, &params, sources, run).await
        }
        Track::Promotion(track) => {
            let params = promotion::params::PutPromotion::parse(params, track)?;
            promotion::put::planned(track, engine, &params, sources, run).await
        }
        Track::Files(track) => {
            let params = files::params::PutFiles::parse(params)?;
            files::put::planned(track, engine, &params, sources).await
        }
    }
}

/// The keys that this release knows, by place: for documents and editors.
pub fn known_keys() -> Vec<(&'static str, Vec<&'static str>)> {
    let sources = vec![
        ("source", [common::keys(), fields_of::<Tracks>(), files::source::keys()].concat()),
        ("source.artifacts", artifacts::source::keys()),
        ("source.promotion", promotion::source::keys()),
        ("source.package", package::source::keys()),
        ("source.gocd", gocd::source::keys()),
    ];
    [
        sources,
        artifacts::params::keys().into(),
        promotion::params::keys().into(),
        package::params::keys().into(),
        gocd::params::keys().into(),
        files::params::keys().into(),
    ]
    .concat()
}

/// JSON Schema of a get's params and of a put's.
pub fn params_schemas() -> [Value; 2] {
    let tracks = [
        artifacts::params::schemas(),
        promotion::params::schemas(),
        package::params::schemas(),
        gocd::params::schemas(),
        files::params::schemas(),
    ];
    let (gets, puts): (Vec<Value>, Vec<Value>) =
        tracks.into_iter().map(|[get, put]| (get, put)).unzip();
    [
        json!({"title": "params of a get, by track", "anyOf": gets}),
        json!({"title": "params of a put, by track", "anyOf": puts}),
    ]
}

/// JSON Schema of `source`.
pub fn schema() -> Value {
    let mut schema =
        closed("source", [common::schema(), schema_of::<Tracks>(), files::source::schema()]);
    let tracks = [
        ("artifacts", artifacts::source::schema()),
        ("promotion", promotion::source::schema()),
        ("package", package::source::schema()),
        ("gocd", gocd::source::schema()),
    ];
    let names: Vec<&str> = tracks.iter().map(|(name, _)| *name).chain(FILES).collect();
    if let Value::Object(properties) = &mut schema["properties"] {
        properties.retain(|key, _| {
            names.contains(&key.as_str()) || !fields_of::<Tracks>().contains(&key.as_str())
        });
        for (name, mut track) in tracks {
            track["description"] = properties[name]["description"].take();
            properties.insert(name.to_owned(), track);
        }
    }
    schema["oneOf"] = names.iter().map(|name| json!({"required": [name]})).collect();
    schema
}

/// The tracks whose keys are an object of their own in `source`.
const OBJECTS: [&str; 4] = ["artifacts", "promotion", "package", "gocd"];

/// The tracks that are one text in `source`, whose keys stand beside it.
const FILES: [&str; 2] = ["regexp", "versioned_file"];

const SIX: &str =
    "give exactly one of `artifacts`, `promotion`, `package`, `gocd`, `regexp`, `versioned_file`";

fn track(source: &Map<String, Value>, tracks: &Tracks, prefix: &Prefix) -> anyhow::Result<Track> {
    let is_set = |name: &&str| match source.get(*name) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(value) => value.as_str() != Some(""),
    };
    let value = |value| Option::as_ref(value).unwrap_or(&Value::Null);
    let texts = FILES.into_iter().zip([&tracks.regexp, &tracks.versioned_file]);
    let texts = texts.filter_map(|(name, text)| text.get().map(|_| name));
    let given: Vec<&str> = OBJECTS.into_iter().filter(is_set).chain(texts).collect();
    match given.as_slice() {
        [] => Err(fault("source: no track", SIX)),
        ["artifacts"] => {
            artifacts::source::parse(value(&tracks.artifacts), prefix).map(Track::Artifacts)
        }
        ["promotion"] => {
            promotion::source::parse(value(&tracks.promotion), prefix).map(Track::Promotion)
        }
        ["package"] => package::source::parse(value(&tracks.package), prefix).map(Track::Package),
        ["gocd"] => gocd::source::parse(value(&tracks.gocd), prefix).map(Track::Gocd),
        ["regexp"] | ["versioned_file"] | ["regexp", "versioned_file"] => {
            let files =
                files::source::parse(source, &tracks.regexp, &tracks.versioned_file, prefix);
            files.map(Track::Files)
        }
        several => Err(fault(format!("source: more than one track: {}", several.join(", ")), SIX)),
    }
}

#[cfg(test)]
mod tests;
