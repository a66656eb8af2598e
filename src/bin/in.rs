//! The resource's `in`; the image has it as a link to `s3-asset`.

fn main() -> std::process::ExitCode {
    s3_asset_resource::entry::program("in")
}
