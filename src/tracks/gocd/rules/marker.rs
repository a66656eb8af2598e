//! The metadata of a marker: what GoCD reports of a revision, and what we recorded of it.

use crate::words::digest::Sha256;
use crate::words::encoded_word::{decode, encode};
use crate::words::fault::fault;
use crate::words::names::shown;
use crate::words::object::UserMetadata;
use std::collections::{BTreeMap, HashMap};

/// Who made the revision.
pub const USER: &str = "user";
/// Where GoCD's link to what made it leads.
pub const TRACEBACK_URL: &str = "traceback_url";
/// Whether the folder is whole: the poller asks whether it is there, whatever it says.
pub const COMPLETED: &str = "completed";
/// What GoCD calls the revision's original number.
pub const LABEL: &str = "go_pipeline_label";
const RESERVED: [&str; 4] = [USER, TRACEBACK_URL, COMPLETED, LABEL];

/// Ours: which put may write below the marker.
const CLAIM: &str = "s3-asset-claim";
/// Ours: the digest of the list of files.
const FILES: &str = "s3-asset-files";
const OURS: &str = "s3-asset-";

/// S3's limit for all names and values of an object's metadata together.
const LIMIT: usize = 2048;

/// What people say of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Who made it.
    pub user: Option<String>,
    /// Where the link leads.
    pub traceback_url: Option<String>,
    /// An integer.
    pub label: Option<String>,
    /// Whatever else: see [`names`].
    pub own: BTreeMap<String, String>,
}

impl Annotations {
    /// The metadata of a marker that completes a folder, or why no server would keep it. `keep` is what
    /// we recorded of the folder.
    pub fn completed(&self, keep: &UserMetadata) -> anyhow::Result<UserMetadata> {
        let given = [
            (USER, self.user.as_ref()),
            (TRACEBACK_URL, self.traceback_url.as_ref()),
            (LABEL, self.label.as_ref()),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let own = self.own.iter().map(|(name, value)| (name.as_str(), value));
        let mut all = keep.clone();
        all.insert(COMPLETED.to_owned(), COMPLETED.to_owned());
        for (name, value) in given.chain(own) {
            if value.chars().any(char::is_control) {
                return Err(fault(
                    format!("the annotation `{name}` has a line end or another control character"),
                    "write it in one line",
                ));
            }
            all.insert(name.to_owned(), encode(value.trim()));
        }
        let size: usize = all.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > LIMIT {
            return Err(fault(
                format!("the annotations take {size} bytes, and S3 keeps 2,048 with an object"),
                "shorten the metadata, the user or the traceback URL; other letters than ASCII's take more",
            ));
        }
        Ok(all)
    }
}

/// The metadata of a marker that claims a folder, and what stays with it: which put, which files.
pub(super) fn claimed(claim: &Sha256, files: &Sha256) -> UserMetadata {
    UserMetadata::from([(CLAIM.to_owned(), claim.hex()), (FILES.to_owned(), files.hex())])
}

/// What a marker says before the folder is complete: GoCD, and a check, do not show it.
pub fn uncompleted(mut metadata: UserMetadata) -> UserMetadata {
    metadata.remove(COMPLETED);
    metadata
}

/// A marker as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marker {
    /// Whether GoCD, and a check, show the revision.
    pub is_completed: bool,
    /// Whose put claimed the folder; none: something else wrote the marker.
    pub claim: Option<Sha256>,
    /// The digest of the list of its files.
    pub files: Option<Sha256>,
    /// What people say of it, by the names of the metadata.
    pub annotations: BTreeMap<String, String>,
}

impl Marker {
    /// Reads the metadata of a marker.
    pub fn of(metadata: &HashMap<String, String>) -> Marker {
        let digest = |name: &str| metadata.get(name).and_then(|text| Sha256::from_hex(text));
        let annotations = metadata.iter().filter(|(name, _)| !name.starts_with(OURS));
        Marker {
            is_completed: metadata.contains_key(COMPLETED),
            claim: digest(CLAIM),
            files: digest(FILES),
            annotations: annotations.map(|(name, value)| (name.clone(), decode(value))).collect(),
        }
    }

    /// A marker that claims a folder for a put of these files.
    pub fn claiming(claim: &Sha256, files: &Sha256) -> Marker {
        Marker { claim: Some(*claim), files: Some(*files), ..Marker::default() }
    }

    /// What we recorded of the folder, as metadata.
    pub fn recorded(&self) -> UserMetadata {
        match (&self.claim, &self.files) {
            (Some(claim), Some(files)) => claimed(claim, files),
            _ => UserMetadata::new(),
        }
    }

    /// An annotation; none where there is none, or nothing in it.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Refuses metadata that a server did not keep as it was written.
pub fn kept(
    uri: &str,
    written: &UserMetadata,
    found: Option<&HashMap<String, String>>,
) -> anyhow::Result<()> {
    const HINT: &str = "GoCD reads a revision from the metadata of an empty object whose key ends in `/`: use a server that keeps it (AWS S3 and versitygw do; SeaweedFS does not, Ceph makes `-` of `_`), and no proxy that drops headers with `_`";
    let Some(found) = found else {
        return Err(fault(format!("{uri} was written, and is not there"), HINT));
    };
    let lost: Vec<&str> = written
        .iter()
        .filter(|(name, value)| found.get(*name).map(|it| decode(it)) != Some(decode(value)))
        .map(|(name, _)| name.as_str())
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(fault(format!("{uri}: the server did not keep the metadata `{}`", lost.join("`, `")), HINT))
}

/// Names and values that a user adds to a marker, the names in lower case as S3 keeps them.
pub fn names(
    place: &str,
    given: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for (name, value) in given {
        let lower = name.to_ascii_lowercase();
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let why = if RESERVED.contains(&lower.as_str()) || lower.starts_with(OURS) {
            "is written by this resource"
        } else if lower.is_empty() || !lower.bytes().all(is_fit) {
            "cannot be a header's name"
        } else if names.insert(lower, value.clone()).is_some() {
            "is there twice"
        } else {
            continue;
        };
        return Err(fault(
            format!("{place}: `{}` {why}", shown(name)),
            "names are letters, digits, `-`, `_` and `.`, and none of user, traceback_url, completed, go_pipeline_label",
        ));
    }
    Ok(names)
}

/// A pipeline label, which is an integer; without the white space around it.
pub fn integer(place: &str, text: &str) -> anyhow::Result<String> {
    let text = text.trim();
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok());
    number.flatten().map(|number| number.to_string()).ok_or_else(|| {
        fault(
            format!("{place}: `{}` is no integer", shown(text)),
            "give a whole number, for example 42",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::hint_of;

    fn annotations() -> Annotations {
        Annotations {
            user: Some("José".to_owned()),
            traceback_url: Some("https://ci/builds/7".to_owned()),
            label: Some("42".to_owned()),
            own: BTreeMap::from([("branch".to_owned(), " main ".to_owned())]),
        }
    }

    fn sent(metadata: &UserMetadata) -> HashMap<String, String> {
        metadata.clone().into_iter().collect()
    }

    #[test]
    fn a_marker_is_read_as_it_was_written() {
        let (claim, files) = (Sha256::of(b"claim"), Sha256::of(b"files"));
        let pending = Marker::of(&sent(&claimed(&claim, &files)));
        assert_eq!(pending, Marker::claiming(&claim, &files));
        let all = annotations().completed(&pending.recorded()).expect("fits");
        assert_eq!(all["user"], "=?UTF-8?B?Sm9zw6k=?=");
        assert_eq!(all["completed"], "completed");
        let marker = Marker::of(&sent(&all));
        assert!(marker.is_completed);
        assert_eq!((marker.claim, marker.files), (Some(claim), Some(files)));
        let want = [
            ("branch", "main"),
            ("completed", "completed"),
            ("go_pipeline_label", "42"),
            ("traceback_url", "https://ci/builds/7"),
            ("user", "José"),
        ];
        let want = want.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(marker.annotations, BTreeMap::from(want));
        let least = Annotations::default().completed(&UserMetadata::new()).expect("fits");
        assert_eq!(Vec::from_iter(least.keys()), ["completed"]);
    }

    #[test]
    fn what_no_server_keeps_is_refused() {
        let with = |value: String| Annotations { user: Some(value), ..Annotations::default() };
        let none = UserMetadata::new();
        // `user`, and `completed` with its value.
        let room = LIMIT - "user".len() - 2 * "completed".len();
        assert!(with("x".repeat(room)).completed(&none).is_ok());
        let cases = [
            (with("x".repeat(room + 1)), "the annotations take 2049 bytes, and S3 keeps 2,048"),
            (with("é".repeat(room / 2)), "the annotations take 27"),
            (with("a\nb".to_owned()), "the annotation `user` has a line end"),
        ];
        for (annotations, want) in cases {
            let error = annotations.completed(&none).expect_err(want);
            assert!(error.to_string().starts_with(want), "{error}");
            assert!(hint_of(&error).is_some());
        }
    }

    #[test]
    fn names_of_a_users_own() {
        let pairs = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            names("params.metadata", &pairs.collect())
        };
        let good = pairs(&[("Branch", "main"), ("a.b-c_1", "é")]).expect("valid");
        assert_eq!(Vec::from_iter(good.keys()), ["a.b-c_1", "branch"]);
        for (name, why) in [
            ("user", "is written by this resource"),
            ("Traceback_URL", "is written by this resource"),
            ("completed", "is written by this resource"),
            ("go_pipeline_label", "is written by this resource"),
            ("s3-asset-claim", "is written by this resource"),
            ("", "cannot be a header's name"),
            ("a b", "cannot be a header's name"),
            ("é", "cannot be a header's name"),
        ] {
            let error = pairs(&[(name, "x")]).expect_err(name).to_string();
            assert_eq!(error, format!("params.metadata: `{name}` {why}"));
        }
        let twice = pairs(&[("a", "1"), ("A", "2")]).expect_err("twice").to_string();
        assert_eq!(twice, "params.metadata: `a` is there twice");
    }

    #[test]
    fn labels_are_integers() {
        for (text, want) in [("42", "42"), (" 7\n", "7"), ("007", "7"), ("0", "0")] {
            assert_eq!(integer("label", text).expect(text), want);
        }
        for text in ["", "x", "-1", "1.0", "1e3", "99999999999999999999"] {
            assert!(integer("label", text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_server_lost_is_said() {
        let written = annotations().completed(&UserMetadata::new()).expect("fits");
        kept("s3://b/k/", &written, Some(&sent(&written))).expect("kept");
        // As S3 does itself when it was sent UTF-8.
        let mut other = sent(&written);
        other.insert("user".to_owned(), "=?UTF-8?Q?Jos=C3=A9?=".to_owned());
        kept("s3://b/k/", &written, Some(&other)).expect("kept");
        for name in ["go_pipeline_label", "traceback_url"] {
            other.remove(name);
        }
        let error = kept("s3://b/k/", &written, Some(&other)).expect_err("lost").to_string();
        assert_eq!(
            error,
            "s3://b/k/: the server did not keep the metadata `go_pipeline_label`, `traceback_url`"
        );
        let error = kept("s3://b/k/", &written, None).expect_err("lost").to_string();
        assert_eq!(error, "s3://b/k/ was written, and is not there");
    }

    /// Metadata, a line each: what is read of it is written again.
    #[test]
    fn fuzz_markers() {
        let seeds = [
            "completed: yes\nuser: =?UTF-8?B?Sm9zw6k=?=\ntraceback_url: https://ci/builds/7\ngo_pipeline_label: 42",
            "s3-asset-claim: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nuser: =?utf-8?Q?a=C3=A9_b?= =?UTF-8?B?YQ==?=",
        ];
        fuzz_driver::texts("markers", 3_000, seeds, |input| {
            let pairs = input.lines().filter_map(|line| line.split_once(": "));
            let metadata = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let marker = Marker::of(&metadata);
            assert!(marker.annotations.keys().all(|name| !name.starts_with(OURS)));
            let (claim, recorded) = (marker.claim.is_some(), marker.recorded());
            let all: HashMap<String, String> = recorded.into_iter().collect();
            assert!(kept("it", &UserMetadata::new(), Some(&all)).is_ok());
            format!("{claim} {} {}", marker.is_completed, marker.annotations.len())
        });
    }
}
