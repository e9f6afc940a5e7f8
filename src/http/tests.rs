//! The client against real servers: TLS with certificates made here, and a proxy that reports the requests it gets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Ask, Client, FetchError, Headers, NoSecret, Part, Reply, Target, check, fetch, redirect_note, tls};
use crate::domain::transport::{Identity, Proxy, Transport};
use crate::domain::{HeaderValue, SecretRef};

const LIMIT: Duration = Duration::from_secs(20);

/// The CA of the tests.
static CA: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// A certificate and its key, both PEM.
struct Pair {
    cert: String,
    key: KeyPair,
}

fn issue(name: &str, set: impl FnOnce(&mut CertificateParams)) -> Pair {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    set(&mut params);
    let key = KeyPair::generate().unwrap();
    Pair { cert: params.signed_by(&key, &CA).unwrap().pem(), key }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

/// Serves HTTPS on a free port with `pair`. Each connection gets one answer that echoes the request.
fn serve(pair: &Pair, asks_for_certificate: bool) -> String {
    use rustls::pki_types::pem::PemObject;
    drop(tls::provider());
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap()];
    let mut roots = RootCertStore::empty();
    roots.add(CA.der().clone()).unwrap();
    let builder = if asks_for_certificate {
        ServerConfig::builder()
            .with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
    } else {
        ServerConfig::builder().with_no_client_auth()
    };
    let config = Arc::new(builder.with_single_cert(chain, private(&pair.key)).unwrap());
    let at = listen(move |stream| {
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
        answer(&mut stream);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    format!("https://127.0.0.1:{}", at.port())
}

/// Passes every connection to `serve`, in a thread that ends with the process.
fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(LIMIT)).unwrap();
            serve(stream);
        }
    });
    at
}

/// Reads one head and sends it back as the body. Returns the request target.
fn answer(stream: &mut (impl Read + Write)) -> String {
    let head = read_head(stream);
    let token = head.lines().find_map(|line| line.strip_prefix("x-key: ")).unwrap_or_default();
    let _ = write!(
        stream,
        "HTTP/1.1 302 Found\r\nlocation: /login?{token}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{head}",
        head.len()
    );
    let _ = stream.flush();
    head
}

fn read_head(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Files for a test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ca(&self) -> Transport {
        Transport { ca: Some(self.put("ca.pem", &CA.pem())), ..Transport::default() }
    }

    fn identity(&self, pair: &Pair) -> Identity {
        Identity { cert: self.put("cert.pem", &pair.cert), key: self.put("key.pem", &pair.key.serialize_pem()) }
    }
}

async fn get(transport: &Transport, url: &str) -> Result<Reply, FetchError> {
    let client = Client::new(transport).unwrap();
    fetch(&client, &Target::new(url), Ask::get("/x", LIMIT, 64 * 1024)).await
}

async fn fault(transport: &Transport, url: &str) -> String {
    get(transport, url).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_private_ca_is_trusted_where_the_config_names_it() {
    let (files, url) = (Files::new(), serve(&issue("127.0.0.1", |_| {}), false));
    assert_eq!(get(&files.ca(), &url).await.unwrap().status, 302);
    let not_trusted =
        "cannot connect: the issuer of the certificate is not trusted: set ca to the issuer's certificate";
    assert_eq!(fault(&Transport::default(), &url).await, not_trusted);
    // A file that cannot be read is left out. The error names it where it matters.
    let missing = Transport { ca: Some(files.0.path().join("none.pem")), ..Transport::default() };
    let why = fault(&missing, &url).await;
    assert!(why.starts_with(not_trusted) && why.contains("; ca was not used: ") && why.contains("none.pem"), "{why}");
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told() {
    let files = Files::new();
    let expired = issue("127.0.0.1", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 5, 3);
    });
    let early = issue("127.0.0.1", |params| {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
    });
    for (pair, told) in [
        (expired, "the certificate expired on 3 May 2020"),
        (early, "the certificate is not valid before 1 January 2090: look at both clocks"),
        (issue("a.example", |_| {}), "the certificate does not match the name 127.0.0.1; it is for a.example"),
    ] {
        assert_eq!(fault(&files.ca(), &serve(&pair, false)).await, format!("cannot connect: {told}"));
    }
    let plain = listen(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let why = fault(&Transport::default(), &format!("https://{plain}")).await;
    assert_eq!(
        why,
        "cannot connect: the server does not speak TLS here: name another port, or write the URL without TLS"
    );
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let (files, url) = (Files::new(), serve(&issue("127.0.0.1", |_| {}), true));
    let ours = issue("cutover", |_| {});
    let with = Transport { identity: Some(files.identity(&ours)), ..files.ca() };
    assert_eq!(get(&with, &url).await.unwrap().status, 302);
    let why = fault(&files.ca(), &url).await;
    assert!(why.ends_with("the server asks for a client certificate: set cert and key"), "{why}");
    let missing = Identity { cert: files.0.path().join("none.pem"), ..files.identity(&ours) };
    let why = fault(&Transport { identity: Some(missing), ..files.ca() }, &url).await;
    assert!(why.contains("set cert and key; cert was not used: ") && why.contains("none.pem"), "{why}");
}

#[test]
fn files_that_cannot_be_used_are_found_beforehand() {
    let files = Files::new();
    let (ours, other) = (issue("a", |_| {}), issue("b", |_| {}));
    let sound = Transport { identity: Some(files.identity(&ours)), ..files.ca() };
    assert_eq!(check(&sound), []);
    let junk = files.put("junk.pem", "hunter2hunter2");
    let broken = files.put("broken.pem", "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n");
    let foreign = files.put("foreign.pem", &other.key.serialize_pem());
    let Identity { cert, key } = files.identity(&ours);
    let of = |ca: Option<&PathBuf>, cert: &PathBuf, key: &PathBuf| {
        let identity = Some(Identity { cert: cert.clone(), key: key.clone() });
        check(&Transport { ca: ca.cloned(), identity, ..Transport::default() })
    };
    for (found, part, told) in [
        (of(Some(&junk), &cert, &key), Part::Ca, "holds no certificate in PEM"),
        (of(Some(&broken), &cert, &key), Part::Ca, "is not sound PEM"),
        (of(Some(&files.0.path().join("none")), &cert, &key), Part::Ca, "cannot be read"),
        (of(None, &junk, &key), Part::Cert, "holds no certificate in PEM"),
        (of(None, &cert, &junk), Part::Key, "holds no private key in PEM"),
        (of(None, &cert, &foreign), Part::Key, "is not the key of the certificate in"),
    ] {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].part == part && found[0].why.contains(told), "{found:?}");
        assert!(!found[0].why.contains("hunter2"), "{found:?}");
    }
}

/// A proxy: reports the first line of each request, answers plain requests itself and tunnels the others.
fn proxy() -> (SocketAddr, Receiver<String>) {
    let (told, asked) = channel();
    let at = listen(move |mut stream| {
        let head = read_head(&mut stream);
        let line = head.lines().next().unwrap_or_default().to_owned();
        let place = line.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(str::to_owned);
        told.send(line).unwrap();
        let Some(server) = place.map(TcpStream::connect) else {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            return;
        };
        let Ok(mut server) = server else {
            let _ = write!(stream, "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            return;
        };
        let _ = write!(stream, "HTTP/1.1 200 Connected\r\n\r\n");
        let (mut to, mut from) = (server.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = std::io::copy(&mut server, &mut stream);
        let _ = stream.shutdown(Shutdown::Both);
    });
    (at, asked)
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_named() {
    let (files, (at, asked)) = (Files::new(), proxy());
    let through = Transport { proxy: Proxy::Url(format!("http://{at}")), ..files.ca() };
    assert_eq!(get(&through, "http://far.example").await.unwrap().body, b"ok");
    assert_eq!(asked.recv_timeout(LIMIT).unwrap(), "GET http://far.example/x HTTP/1.1");
    let url = serve(&issue("127.0.0.1", |_| {}), false);
    assert_eq!(get(&through, &url).await.unwrap().status, 302);
    let place = url.trim_start_matches("https://");
    assert_eq!(asked.recv_timeout(LIMIT).unwrap(), format!("CONNECT {place} HTTP/1.1"));
    assert_eq!(get(&files.ca(), &url).await.unwrap().status, 302);
    assert!(asked.try_recv().is_err(), "nothing goes through a proxy that is not named");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let why = fault(&Transport { proxy: Proxy::Url(format!("http://{gone}")), ..files.ca() }, &url).await;
    assert_eq!(why, format!("cannot connect: through the proxy http://{gone}: connection refused"));
}

#[tokio::test]
async fn no_secret_comes_back() {
    let (files, secret) = (Files::new(), "s3cr3t-t0ken");
    let from = SecretRef::File(files.put("token", &format!("{secret}\n")));
    let given =
        [("x-key".to_owned(), HeaderValue::Secret(from)), ("x-side".to_owned(), HeaderValue::Plain("{{s}}".into()))];
    let headers = Headers::read(&given, |text| Ok::<_, String>(text.replace("{{s}}", "green"))).unwrap();
    let at = listen(|mut stream| drop(answer(&mut stream)));
    let target = Target::new(&format!("http://{at}")).with(&headers);
    let client = Client::new(&Transport::default()).unwrap();
    let reply = fetch(&client, &target, Ask::get("/x", LIMIT, 64 * 1024)).await.unwrap();
    let body = String::from_utf8(reply.body.clone()).unwrap();
    assert!(body.contains("x-key: ***\r\n") && body.contains("x-side: green\r\n"), "{body}");
    assert_eq!(redirect_note(&reply).as_deref(), Some("redirects to /login?***"));
    let shown =
        format!("{target:?} {headers:?} {:?}", client.request(reqwest::Method::GET, "http://h").headers(&headers));
    assert!(!shown.contains("s3cr3t"), "{shown}");
    let short = [("x-key".to_owned(), HeaderValue::Secret(SecretRef::File(files.put("short", "abc"))))];
    let plain = |text: &str| Ok::<_, NoSecret>(text.to_owned());
    assert_eq!(Headers::read(&short, plain).unwrap_err().0, "no secret for x-key: it is shorter than 8 bytes");
    assert_eq!(Headers::read_any(&short, plain).unwrap().list, [("x-key".to_owned(), "abc".to_owned())]);
}
