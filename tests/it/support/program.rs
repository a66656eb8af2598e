//! `s3-asset`, and the library, over the bucket of a server.

use super::BUCKET;
use s3_asset_resource::machine::report::Report;
use s3_asset_resource::s3::store::Store;
use s3_asset_resource::tracks::Source;
use s3_test_server::Handle;
use serde_json::json;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The program, with an environment of its own in which the bucket is the server's.
pub(crate) fn program(server: &Handle, arguments: &[&str]) -> Command {
    let mut command =
        program_at(&server.endpoint(), [server.access_key(), server.secret_key()], arguments);
    command.env("PACKAGE_ASSETS_BUCKET", BUCKET);
    command
}

/// The program, with an environment of its own that names a server.
pub(super) fn program_at(
    endpoint: &str,
    [access_key, secret_key]: [&str; 2],
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3-asset"));
    command
        .args(arguments)
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", access_key)
        .env("AWS_SECRET_ACCESS_KEY", secret_key)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_DEFAULT_REGION", "eu-west-2")
        .env("AWS_ENDPOINT_URL", endpoint)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A bucket of a server, as the library reaches it.
pub(crate) async fn store(server: &Handle) -> Store {
    let source = json!({
        "bucket": BUCKET,
        "endpoint": server.endpoint(),
        "use_path_style": true,
        "access_key_id": server.access_key(),
        "secret_access_key": server.secret_key(),
        "artifacts": {},
    });
    let source = Source::parse(source.as_object().expect("a map")).expect("a source");
    Store::open(&source.settings.access, Arc::new(Report::new(true))).await
}
