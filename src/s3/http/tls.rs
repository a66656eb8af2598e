//! TLS: what a server's certificate is checked against, read when the first such connection is made.

use crate::input::access::Trust;
use crate::words::fault::Fault;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io;
use std::path::Path;
use std::sync::Arc;

const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];
const DIRECTORY: &str = "/etc/ssl/certs";

/// The client's side of TLS.
pub(super) fn tls(trust: &Trust) -> Result<rustls::ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::new(format!("TLS: {e}"), "this is an error of the program"))?;
    let roots = match trust {
        Trust::Anything => {
            let verifier = Arc::new(danger::AcceptAnything(provider));
            return Ok(builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth());
        }
        Trust::Bundle(pem) => {
            roots(CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok))
        }
        Trust::System => system_roots()?,
    };
    if roots.is_empty() {
        let (what, hint) = match trust {
            Trust::Bundle(_) => (
                "source.ca_bundle: no certificate in it",
                "give PEM text: -----BEGIN CERTIFICATE-----",
            ),
            _ => (
                "no certificate under /etc/ssl/certs",
                "give the server's certificate authority as `ca_bundle`",
            ),
        };
        return Err(Fault::new(what, hint));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The bundle alone where there is one; else each file of the directory, which is how Concourse
/// workers with a plain directory of certificates mount them.
fn system_roots() -> Result<RootCertStore, Fault> {
    for bundle in BUNDLES {
        if let Ok(pem) = std::fs::read(bundle) {
            return Ok(roots(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok)));
        }
    }
    let files = match std::fs::read_dir(DIRECTORY) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(RootCertStore::empty()),
        Err(e) => {
            let hint = "give the server's certificate authority as `ca_bundle`";
            return Err(Fault::new(format!("{DIRECTORY}: {e}"), hint));
        }
    };
    let read = |path: &Path| std::fs::read(path).unwrap_or_default();
    let pems: Vec<_> = files.filter_map(|file| file.ok().map(|file| read(&file.path()))).collect();
    Ok(roots(
        pems.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem).filter_map(Result::ok)),
    ))
}

/// A certificate that cannot be parsed is left out, as every TLS client does with a bundle.
fn roots<'a>(certificates: impl Iterator<Item = CertificateDer<'a>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.map(CertificateDer::into_owned));
    store
}

/// What `skip_ssl_verification` asks for.
mod danger {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    use std::sync::Arc;

    /// Accepts any certificate, but still wants the server to hold its key.
    #[derive(Debug)]
    pub(super) struct AcceptAnything(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for AcceptAnything {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                certificate,
                signed,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
