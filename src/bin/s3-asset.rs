//! The one executable; see `s3_asset_resource::entry` for its names.

fn main() -> std::process::ExitCode {
    s3_asset_resource::entry::main()
}
