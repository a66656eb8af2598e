//! The troubleshooting page is keyed by texts that the programs print: here each is printed.

use super::read;
use crate::support::{BUCKET, Checkout, Embedded, Inputs, Resource, Run, Tree, commit};
use s3_test_server::{Action, Answer, Deny, Fault, WrongRegion};
use serde_json::{Value, json};
use std::process::{Command, Output};

/// A text of the page, and what a program said.
type Said = (&'static str, String);

/// What a step said that must fail, as every failure looks.
fn of(run: &Run) -> String {
    let (error, hint) = run.failure();
    format!("{error}\n{hint}")
}

/// Runs `s3-asset` with the server's credentials.
fn command(server: &Embedded, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_s3-asset"))
        .args(arguments)
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", server.access_key())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_key())
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .output()
        .expect("the program runs")
}

const PACKAGE: [&str; 5] = ["package", "--ledger", "s3://assets", "--store", "s3://assets"];

/// What `s3-asset` said that must fail.
fn of_command(server: &Embedded, arguments: &[&str]) -> String {
    let output = command(server, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).expect("text")
}

fn files(at: &Tree) -> Inputs {
    Inputs::of(at)
}

fn reaching() -> Vec<Said> {
    let server = Embedded::new();
    let resource = server.resource();
    let failing = |status: u16, code: &'static str| {
        server.fault(Fault::new(Action::Status(status, code)).on("GetObject").always());
        let said = of(&resource.check(None));
        server.clear_faults();
        said
    };
    let mut said = vec![
        ("there is no bucket", of(&resource.clone().set("bucket", "nowhere").check(None))),
        ("InvalidAccessKeyId", of(&resource.clone().set("access_key_id", "x").check(None))),
        ("SignatureDoesNotMatch", of(&resource.clone().set("secret_access_key", "x").check(None))),
        ("ExpiredToken", failing(400, "ExpiredToken")),
        ("RequestTimeTooSkewed", failing(403, "RequestTimeTooSkewed")),
        ("NotImplemented", failing(501, "NotImplemented")),
    ];
    let nobody = resource.clone().unset("access_key_id").unset("secret_access_key");
    said.push(("nobody signed the request", of(&nobody.check(None))));
    let chain =
        nobody.set("enable_aws_creds_provider", true).env("AWS_EC2_METADATA_DISABLED", "true");
    said.push(("no credentials found in chain", of(&chain.check(None))));
    server.deny(Deny::all().on("GetObject"));
    said.push(("403 AccessDenied", of(&resource.check(None))));
    let elsewhere = |wrong_region| {
        let server = Embedded::with(|options| {
            options.region = Some("eu-central-1".to_owned());
            options.wrong_region = wrong_region;
        });
        of(&server.resource().check(None))
    };
    said.push(("AuthorizationHeaderMalformed", elsewhere(WrongRegion::Malformed)));
    said.push(("301 PermanentRedirect", elsewhere(WrongRegion::Redirect)));
    let portal = Embedded::new();
    portal.fault(Fault::new(Action::Answer(Answer::page(404))).always());
    said.push(("the answer is none of S3", of(&portal.resource().check(None))));
    portal.clear_faults();
    portal.fault(Fault::new(Action::Answer(Answer::page(407))).always());
    said.push(("status 407", of(&portal.resource().check(None))));
    let line_end = resource.clone().set("access_key_id", "id\n");
    said.push(("not sent, for it has", of(&line_end.check(None))));
    let far = resource.clone().set("endpoint", "http://s3.invalid");
    said.push(("a SOCKS proxy", of(&far.env("http_proxy", "socks5://p:1080").check(None))));
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>other</Key>\
                <Size>1</Size></Contents></ListBucketResult>";
    portal.clear_faults();
    portal.fault(Fault::new(Action::Answer(Answer::xml(200, page))).on("ListObjectsV2").always());
    let put = portal.resource().publish(&commit(1), &Tree::of("a", "a"));
    said.push(("the listing has the key", of(&put)));
    let secure = Embedded::with(|options| options.tls = true);
    said.push(("certificate", of(&secure.resource().check(None))));
    let careless = Embedded::with(|options| options.ignore_conditions = true);
    let put = careless.resource().publish(&commit(1), &Tree::of("a", "a"));
    said.push(("the server ignores conditional writes", of(&put)));
    said
}

/// Takes half a minute, of waiting between attempts.
fn out_of_reach() -> Vec<Said> {
    let endpoint = Embedded::new().endpoint();
    let gone = Embedded::new().resource().set("endpoint", endpoint);
    vec![("cannot be reached", of(&gone.check(None)))]
}

/// As slow.
fn answered_by_another() -> Vec<Said> {
    let server = Embedded::new();
    let yes = Answer::empty(200).header("x-amz-request-id", "1");
    server.fault(Fault::new(Action::Answer(yes)).on("PutObject").always());
    let put = server.resource().publish(&commit(1), &Tree::of("a", "a"));
    vec![("the server says yes, without", of(&put))]
}

fn input() -> Vec<Said> {
    let server = Embedded::new();
    let resource = server.resource();
    let two = resource.clone().set("promotion", json!({}));
    vec![
        ("unknown key", of(&resource.clone().artifacts("folow", "code").check(None))),
        ("source: no track", of(&resource.clone().unset("artifacts").check(None))),
        ("source: more than one track", of(&two.check(None))),
        ("expected true or false", of(&resource.clone().set("disable_ssl", "on").check(None))),
    ]
}

fn sets() -> Vec<Said> {
    let server = Embedded::new();
    let resource = server.resource();
    let mut said = vec![(
        "no set is published for … and params name no",
        of(&resource.put_params(&json!({"commit": commit(9)}))),
    )];
    let checkout = Checkout::of(&Tree::of("src/a", "a"));
    let coded = resource.clone().artifacts("code_hash", "lib/**");
    let params = json!({"repository": "repo", "directory": "repo"});
    said.push(("code_hash: no file matches", of(&coded.put(checkout.inputs(), &params))));
    let put = |inputs: &Inputs| {
        let params = json!({"commit": commit(8), "directory": "assets", "files": "*"});
        resource.put(inputs.path(), &params)
    };
    said.push(("no file matches", of(&put(&files(&Tree::of("d/a", "a"))))));
    let inputs = files(&Tree::of("a", "a"));
    std::os::unix::fs::symlink("/etc/hosts", inputs.join("assets/link")).expect("a link");
    said.push(("is a symbolic link that leads out of the directory", of(&put(&inputs))));
    let inputs = files(&Tree::of("a", "first"));
    let file = inputs.join("assets/a");
    let write = move |_: &s3_test_server::RequestInfo| {
        std::fs::write(&file, "other").expect("the file");
    };
    let writing = Action::Call(std::sync::Arc::new(write));
    server.fault(Fault::new(writing).on("PutObject").key_contains(".pending"));
    said.push(("changed while it was read", of(&put(&inputs))));
    server.clear_faults();
    let version = resource.publish(&commit(1), &Tree::of("a", "a")).version();
    let key = format!("artifacts/{}/a", commit(1));
    let get = || of(&resource.get(&version, json!({})).run);
    server.corrupt(BUCKET, &key, "b");
    said.push(("not the bytes that were published", get()));
    server.remove(BUCKET, &key);
    said.push(("404 NoSuchKey", get()));
    server.put(BUCKET, "artifacts/.history.json", "{", &[]);
    said.push(("the history is damaged", of(&resource.check(None))));
    said
}

fn ranks() -> Vec<Said> {
    let server = Embedded::new();
    let at = |rank: &str| {
        let track = json!({"ranks": ["qa", "staging"], "rank": rank, "file": "f"});
        server.resource().unset("artifacts").set("promotion", track)
    };
    let (qa, staging) = (at("qa"), at("staging"));
    let upload = |bytes: &str, file: &str| {
        let inputs = files(&Tree::of("f1", bytes).with("f2", bytes));
        qa.put(inputs.path(), &json!({"file": file, "version": "1.0"}))
    };
    let mut said = vec![
        ("matches no file", of(&upload("one", "assets/x*"))),
        ("matches 2 files", of(&upload("one", "assets/f*"))),
        ("is none of the ranks", of(&at("live").check(None))),
    ];
    server.put(BUCKET, "qa/f", "what is it", &[]);
    said.push(("is no release: it has no", of(&upload("one", "assets/f1"))));
    server.remove(BUCKET, "qa/f");
    upload("one", "assets/f1").version();
    let version = json!({"version": "2.0", "promotion": "1"});
    said.extend([
        ("is archived with other bytes", of(&upload("two", "assets/f1"))),
        (
            "could not promote, trying to skip rank?",
            of(&staging.put_params(&json!({"version": "2.0"}))),
        ),
        (
            "could not roll back: version … never stood at the rank",
            of(&staging.put_params(&json!({"version": "2.0", "rollback": true}))),
        ),
        ("promotion … is not of version", of(&qa.get(&version, json!({})).run)),
    ]);
    staging.put_params(&json!({})).version();
    let gc = ["release", "gc", "f", "--bucket", BUCKET, "--ranks", "qa", "--keep-last", "1"];
    said.push(("which is not named", of_command(&server, &gc)));
    // As a removal leaves them: a stone, and a name in a rank's head.
    let stone = json!({
        "format": "s3-asset-removed/1", "generation": "g1", "removed_at": "2026-01-01T00:00:00Z",
        "file": "f", "version": "3.0",
    });
    server.put(BUCKET, "archive/3.0/.f/release.json", stone.to_string(), &[]);
    let removed = staging.put_params(&json!({"version": "3.0"}));
    said.push(("version … of … was removed at", of(&removed)));
    let head = server.text("staging/.history/f.json");
    let fence =
        r#","fence":"removing releases: {\"id\":\"i\",\"versions\":{\"1.0\":{\"by\":1}}}","#;
    let named = head.replacen(",\"entries\"", &format!("{fence}\"entries\""), 1);
    server.put(BUCKET, "staging/.history/f.json", named, &[]);
    said.push(("is being removed", of(&staging.put_params(&json!({"version": "1.0"})))));
    said
}

fn archives() -> Vec<Said> {
    let server = Embedded::new();
    let app = server.package("app");
    let unpacked = |bytes: &[u8]| {
        let version = app.add(bytes, &json!({})).version();
        of(&app.get(&version, json!({"unpack": true})).run)
    };
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..6].copy_from_slice(b"../out");
    header.set_mode(0o644);
    header.set_size(0);
    header.set_cksum();
    vec![
        ("is no archive that can be unpacked", unpacked(b"text")),
        ("leads out of the directory", unpacked(header.as_bytes())),
    ]
}

fn packages() -> Vec<Said> {
    let server = Embedded::new();
    let app = server.package("app");
    let tag = |params: Value| of(&app.put_params(&params));
    let live: Resource = app.clone().of_package("tag", "live");
    app.add("one", &json!({"tags": "live"})).version();
    app.add("two", &json!({})).version();
    let of_package = |arguments: &[&str]| of_command(&server, &[&PACKAGE[..], arguments].concat());
    let mut said = vec![
        ("has no version", tag(json!({"version": 7, "tags": "x"}))),
        ("has no tag", tag(json!({"version": "x", "tags": "y"}))),
        (
            "never had the tag",
            of(&app.clone().of_package("tag", "new").put_params(&json!({"untag": "x"}))),
        ),
        ("is no tag: it could be taken for a version", tag(json!({"version": 1, "tags": "7"}))),
        ("is no package name", of(&server.package("app/tags").check(None))),
        ("version … has the tag", of_package(&["remove", "app", "1"])),
        ("no ledger given", of_command(&server, &["package", "list"])),
    ];
    live.put_params(&json!({"version": 2})).version();
    server.put(BUCKET, "a/tags/b/versions/7", "{}", &[]);
    said.push((
        "may be a version of a package whose name this release does not take",
        of_package(&["gc"]),
    ));
    server.remove(BUCKET, "a/tags/b/versions/7");
    let removed = json!({"version": "1"});
    let remove = command(&server, &[&PACKAGE[..], &["remove", "app", "1"]].concat());
    assert!(remove.status.success(), "version 1 is removed");
    said.push(("version … was removed at", of(&app.get(&removed, json!({})).run)));
    server.put(BUCKET, "app/versions/2", "{", &[]);
    said.push(("is damaged", of(&app.get(&json!({"version": "2"}), json!({})).run)));
    said.push(("version … is another here than the one to import", imported()));
    said
}

/// What an import says into a ledger that has another version of that number.
fn imported() -> String {
    let (from, to) = (Embedded::new(), Embedded::new());
    from.package("app").add("one", &json!({})).version();
    to.package("app").add("uno", &json!({})).version();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().to_str().expect("text");
    let export = command(&from, &[&PACKAGE[..], &["export", path]].concat());
    assert!(export.status.success(), "it is exported");
    of_command(&to, &[&PACKAGE[..], &["import", path]].concat())
}

fn gocd() -> Vec<Said> {
    let forgetful = Embedded::with(|options| options.forget_folder_metadata = true);
    let put = |server: &Embedded, text: &str, params: Value| {
        let mut all = json!({"directory": "assets"});
        all.as_object_mut().expect("a map").extend(params.as_object().expect("a map").clone());
        server.gocd().put(files(&Tree::of("a", text)).path(), &all)
    };
    let mut said =
        vec![("the server did not keep the metadata", of(&put(&forgetful, "1", json!({}))))];
    let server = Embedded::new();
    let exactly = |revision: &str| of(&put(&server, "1", json!({"revision": revision})));
    said.push(("is no revision", exactly("42")));
    said.push(("GoCD takes the revision … for", exactly("42.1.0")));
    put(&server, "2", json!({"revision": "42.1"})).version();
    said.push(("is published with other files", exactly("42.1")));
    let key = |rest: &str| format!("app/build/package/{rest}");
    server.put(BUCKET, &key("1.1/"), "", &[("completed", "completed")]);
    said.push(("was published by something else", exactly("1.1")));
    let claim = "a".repeat(64);
    let claimed = [("s3-asset-claim", claim.as_str()), ("s3-asset-files", claim.as_str())];
    server.put(BUCKET, &key("2.1/"), "", &claimed);
    said.push(("another put claimed revision", exactly("2.1")));
    server.put(BUCKET, &key("3.1/a"), "x", &[]);
    said.push(("has files, and no marker", exactly("3.1")));
    let empty = json!({"annotate_only": true, "revision": "4.1"});
    said.push(("nothing lies in the folder of revision", of(&server.gocd().put_params(&empty))));
    let pending = server.gocd().get(&json!({"revision": "2.1"}), json!({}));
    said.push(("is not completed", of(&pending.run)));
    said
}

/// Whether a text has the parts of a key, in order.
fn says(text: &str, key: &str) -> bool {
    let mut rest = text;
    key.split(" … ").all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The keys of the page: the first cell of each row, between backquotes.
fn keys(page: &str) -> Vec<&str> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `"));
    cells.filter_map(|cell| cell.split_once("` |").map(|(key, _)| key)).collect()
}

#[test]
fn each_text_of_the_page_is_what_a_program_prints() {
    let sections =
        [reaching, out_of_reach, answered_by_another, input, sets, ranks, archives, packages, gocd];
    let said: Vec<Said> = std::thread::scope(|scope| {
        let running: Vec<_> = sections.iter().map(|section| scope.spawn(section)).collect();
        running.into_iter().flat_map(|it| it.join().expect("its stories hold")).collect()
    });
    let other: Vec<&Said> = said.iter().filter(|(key, text)| !says(text, key)).collect();
    assert!(other.is_empty(), "other texts than their keys: {other:#?}");
    let page = read("docs/troubleshooting.md");
    let keys = keys(&page);
    for key in &keys {
        assert!(said.iter().any(|(it, _)| it == key), "nothing here prints `{key}`");
    }
    for (key, text) in &said {
        assert!(keys.contains(key), "the page does not explain `{key}`:\n{text}");
    }
}

#[test]
fn a_key_s_parts_are_found_in_order() {
    assert!(says("a version 7 has the tag `x`", "version … has the tag"));
    assert!(!says("it has the tag of version 7", "version … has the tag"));
    assert_eq!(keys("| `a b` | c |\n|---|---|\n| d | `e` |\ntext `f` |\n"), ["a b"]);
}
