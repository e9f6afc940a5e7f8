//! The keys of `[backend]` for DNS.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"dns\"", &[
    key("method", "update | powerdns", Required, "How records are changed: by update messages (RFC 2136: BIND, Knot, ...) or the HTTP interface of PowerDNS."),
    key("name", "domain name", Required, "The name that clients look up."),
    key("zone", "domain name", Required, "The zone of that name."),
    key("record", "A | AAAA | CNAME | SRV", Is("\"A\""), "What its records are. By update A, AAAA and CNAME move all traffic at once, and SRV has weights; PowerDNS has weights for A and AAAA."),
    key("blue", "list of targets", Required, "The targets of blue: addresses, a name for CNAME, host:port for SRV."),
    key("green", "list of targets", Required, "The same for green."),
    key("ttl", "duration", Is("\"30s\""), "How long caches may keep an answer, in whole seconds: clients notice a rollback after this time."),
    key("server", "address", From("required for update; with powerdns the server is not asked itself"), "The zone's primary, IP address and port, over TCP. With powerdns: asked whether it answers as its interface says."),
    key("secondaries", "list of addresses", Nothing, "Servers that must say the same before an order is verified."),
    key("key", "name", Nothing, "The TSIG key (hmac-sha256) that signs updates and questions."),
    key("secret", "table", Nothing, "Its secret in base64: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("api", "URL", From("required for powerdns"), "The base of the PowerDNS interface, without /api/v1."),
    key("server_id", "name", Is("\"localhost\""), "The server's id in that interface."),
    key("api_key", "table", From("required for powerdns"), "The API key: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("ca", "path", From("the system's certificates alone"), "With powerdns: a PEM file with certificates that are trusted too."),
    key("proxy", "none | env | URL", Is("\"none\""), "With powerdns: the proxy, as in any table that makes requests."),
]);
