//! Answers that nobody would give: whatever comes, it is read or refused in one line.

use super::evidence::NoPages;
use super::*;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig, retry::RetryConfig,
};
use aws_sdk_s3::types::{ChecksumMode, EncodingType};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::json;
use std::str::FromStr as _;
use std::sync::Mutex;

/// Answers every request by the same text: a status, headers a line each, an empty line, a body.
#[derive(Debug, Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl HttpClient for Said {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Said {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let text = self.0.lock().expect("a lock").clone();
        let end = text.windows(2).position(|it| it == b"\n\n").unwrap_or(text.len());
        let head = String::from_utf8_lossy(&text[..end]);
        let body = text.get(end + 2..).unwrap_or_default().to_vec();
        let mut lines = head.lines();
        let status = lines.next().and_then(|it| it.parse::<u16>().ok());
        let status = status.and_then(|it| http::StatusCode::from_u16(it).ok());
        let mut answer = http::Response::new(SdkBody::from(body));
        *answer.status_mut() = status.unwrap_or(http::StatusCode::OK);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let name = http::HeaderName::from_str(name);
            // What hyper gives is UTF-8: the SDK takes nothing else.
            let value = http::HeaderValue::from_str(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                answer.headers_mut().append(name, value);
            }
        }
        HttpConnectorFuture::ready(Ok(HttpResponse::try_from(answer).expect("an answer")))
    }
}

fn client(said: &Said) -> Client {
    Client::from_conf(
        aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url("http://s3.example.com")
            .force_path_style(true)
            .allow_no_auth()
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .http_client(said.clone())
            .build(),
    )
}

const LISTING: &str = "200\ncontent-type: application/xml\n\n<?xml version=\"1.0\"?>\
    <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
    <Prefix>r/</Prefix><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
    <NextContinuationToken>t2</NextContinuationToken><Contents><Key>r/a%2Bb+c</Key>\
    <LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;a&quot;</ETag>\
    <Size>7</Size></Contents><CommonPrefixes><Prefix>r/d/</Prefix></CommonPrefixes>\
    </ListBucketResult>";
const VERSIONS: &str = "200\nx-amz-request-id: 1\n\n<ListVersionsResult><Name>b</Name>\
    <IsTruncated>true</IsTruncated><NextKeyMarker>r/a</NextKeyMarker>\
    <NextVersionIdMarker>v1</NextVersionIdMarker><Version><Key>r/a</Key>\
    <VersionId>v2</VersionId><IsLatest>true</IsLatest></Version><DeleteMarker><Key>r/a</Key>\
    <VersionId>v3</VersionId></DeleteMarker></ListVersionsResult>";
const REFUSED: &str = "403\nx-amz-bucket-region: eu-west-1\ncontent-type: application/xml\n\n\
    <Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
    <Region>eu-west-1</Region><RequestId>1</RequestId></Error>";
const HEAD: &str = "200\netag: W/\"d41d8cd98f00b204e9800998ecf8427e\"\ncontent-length: 7\n\
    x-amz-meta-package-hash: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\
    x-amz-checksum-crc64nvme: AAAAAAAAAAA=\nx-amz-checksum-type: FULL_OBJECT\n\
    x-amz-version-id: v1\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\n\
    x-amz-server-side-encryption: AES256\n\n";
const TAGS: &str = "200\ncontent-type: application/xml\n\n<Tagging><TagSet><Tag><Key>a</Key>\
    <Value>b</Value></Tag></TagSet></Tagging>";
const PAGE: &str = "200\ncontent-type: text/html\n\n<html><body>Sign in</body></html>";

#[test]
fn fuzz_answers() {
    let said = Said::default();
    let client = client(&said);
    let source = json!({"bucket": "b", "endpoint": "http://s3.example.com"});
    let source = crate::input::common::Common::read(source.as_object().expect("a map"));
    let access = source.and_then(|it| it.settings()).expect("settings").access;
    let key = Key::parse("r/a").expect("a key");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let seeds = [LISTING, VERSIONS, REFUSED, HEAD, TAGS, PAGE].map(|it| it.as_bytes().to_vec());
    fuzz_driver::bytes("answers", 600, seeds, |input| {
        *said.0.lock().expect("a lock") = input.to_vec();
        let told = |failure: Failure| {
            let error = failure.explain(Operation::GetObject, "r/a", &access);
            assert!(
                crate::words::fault::hint_of(&error)
                    .is_some_and(|it| !it.contains(char::is_control))
            );
            fuzz_driver::line(error)
        };
        runtime.block_on(async {
            let listed = client.list_objects_v2().bucket("b").encoding_type(EncodingType::Url);
            let listed = listed.prefix("r/").customize().interceptor(NoPages).send().await;
            let listed = listed.map_err(failure::of).and_then(|page| list::read(page, "r/", None));
            let listed = listed.map_or_else(told, |page| {
                assert!(page.objects.iter().all(|it| it.key.starts_with("r/")));
                assert!(page.folders.iter().all(|it| it.starts_with("r/")));
                format!("{} {}", page.objects.len(), page.next.is_some())
            });
            let versions = client.list_object_versions().bucket("b").prefix("r/a");
            let versions = versions.customize().interceptor(NoPages).send().await;
            let versions =
                versions.map_err(failure::of).and_then(|page| versions::read(page, &key, None));
            let versions = versions.map_or_else(told, |page| {
                assert!(page.next.as_ref().is_none_or(|(at, _)| at == key.as_str()));
                format!("{} {}", page.ids.len(), page.next.is_some())
            });
            let head = client.head_object().bucket("b").key("r/a");
            let head = head.checksum_mode(ChecksumMode::Enabled).send().await.map_err(failure::of);
            let head = head.map_or_else(told, |head| {
                let facts = Facts {
                    size: 0,
                    etag: ETag(head.e_tag.clone().unwrap_or_default()),
                    metadata: head.metadata.unwrap_or_default(),
                    content_type: None,
                    cache_control: None,
                    content_disposition: None,
                };
                let sums = [(
                    crate::input::access::ChecksumAlgorithm::Crc64Nvme,
                    head.checksum_crc64_nvme,
                )];
                let proof = Proof::best(sums, facts.sha256(), &facts.etag.0, true);
                let mut verifier = proof.verifier();
                verifier.update(b"bytes");
                verifier.difference().map_or_else(String::new, fuzz_driver::line)
            });
            let tags = client.get_object_tagging().bucket("b").key("r/a").send().await;
            let tags =
                tags.map_err(failure::of).map_or_else(told, |it| it.tag_set.len().to_string());
            format!("{listed} {versions} {head} {tags}")
        })
    });
}
