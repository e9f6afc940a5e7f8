//! The keys of every traffic system.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(in crate::config) const BACKEND: Section = Section::new("[backend]", &[
    key("kind", "word", Required, "The traffic system: `cutover backends` lists what this version drives."),
    key("verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is shown as late."),
]);

pub(in crate::config) const EMBEDDED: Section = Section::new("[backend] kind = \"embedded\"", &[
    key("admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key("admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),
]);

pub(in crate::config) const HAPROXY: Section = Section::new("[backend] kind = \"haproxy\"", &[
    key("socket", "path or address", Nothing, "Where HAProxy's runtime API listens: a socket path, or host:port; this or sockets."),
    key("sockets", "list", Nothing, "The runtime API of each process, where several are one router: all of them are moved."),
    key("method", "map | percent | weights", From("weights where servers are written, else map"), "What carries the split: a map entry that names the side, a map entry with green's percent, or weights of servers."),
    key("map", "word", Nothing, "With map and percent: the map's file, as HAProxy's own config names it."),
    key("key", "word", From("active; with percent green_pct"), "With map and percent: the entry's key."),
    key("values", "table", From("{ blue = \"blue\", green = \"green\" }"), "With map: the values that stand for the sides."),
    key("backends", "table", Nothing, "With map and percent: the backend of each side, for counters, ready servers and open sessions; unknown without it."),
    key("backend", "name", Nothing, "With weights: the backend that holds the servers of both sides."),
    key("servers", "table", Nothing, "With weights: the servers of each side."),
    key("save_map", "path or list", Nothing, "With map and percent: the map file on this machine, written after each change; a reload goes back to what it says."),
    key("save_state", "path or list", Nothing, "With weights: HAProxy's server-state-file on this machine, one a socket, written after each change; a reload goes back to what it says."),
]);

pub(in crate::config) const VALUES: Section = Section::new("values = { .. }", &[
    key("blue", "word", Required, "The value that sends all traffic to blue."),
    key("green", "word", Required, "The value that sends all traffic to green."),
]);

pub(in crate::config) const BACKENDS: Section = Section::new("backends = { .. }", &[
    key("blue", "name", Required, "The backend of blue."),
    key("green", "name", Required, "The backend of green."),
]);

pub(in crate::config) const SERVERS: Section = Section::new("servers = { .. }", &[
    key("blue", "list of names", Required, "Blue's servers."),
    key("green", "list of names", Required, "Green's servers."),
]);

pub(in crate::config) const ENVOY: Section = Section::new("[backend] kind = \"envoy\"", &[
    key("admin", "URL, path or list", Required, "The admin interface of each process: a base URL, or the path of its socket; where several are one router all of them are moved."),
    key("key", "runtime key", Nothing, "The runtime_key in the runtime_fraction of green's route; its value is green's percent. This or routes."),
    key("routes", "path", Nothing, "The file of routes that Envoy watches (RDS) and cutover writes whole; for weighted_clusters that a restart keeps."),
    key("template", "path", Nothing, "With routes: the JSON it is made from, with {{version}}, {{blue}} and {{green}} in place of values."),
    key("blue", "name", Is("\"blue\""), "Blue's cluster, as Envoy's own config names it."),
    key("green", "name", Is("\"green\""), "The same for green."),
]);

pub(in crate::config) const CADDY: Section = Section::new("[backend] kind = \"caddy\"", &[
    key("admin", "path or address", Required, "Where Caddy's admin interface listens: a socket path, host:port, or a URL without a path."),
    key("handler", "name or path", Required, "The reverse_proxy that carries the split: its \"@id\", or its place, /config/apps/http/servers/..."),
    key("upstreams", "table", From("host and port of the replicas' URLs"), "The upstreams of each side, as the handler's dial spells them."),
    key("origin", "text", From("none is sent"), "The Origin that is sent: one of Caddy's admin.origins, where enforce_origin is on."),
    key("shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change reloads Caddy, so few steps are better than many."),
    key("survives_restart", "true | false", Is("false"), "Whether Caddy runs with --resume, so that a change outlives its process."),
]);

pub(in crate::config) const UPSTREAMS: Section = Section::new("upstreams = { .. }", &[
    key("blue", "list of texts", Required, "Blue's upstreams: \"10.0.0.11:8080\", \"unix//run/blue.sock\"."),
    key("green", "list of texts", Required, "Green's upstreams."),
]);

pub(in crate::config) const TRAEFIK: Section = Section::new("[backend] kind = \"traefik\"", &[
    key("api", "URL or list of URLs", Required, "Traefik's API, without /api, of each instance that reads the file or Redis: an order is verified once all of them show it."),
    key("headers", "table", Nothing, "Sent to the API, where it asks who calls: { authorization = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent to the API as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("service", "name", Is("\"split\""), "The weighted service that cutover writes; routers name it."),
    key("blue", "name", Is("\"blue\""), "Blue's service, as a weighted service names it: blue, or blue@docker where another provider has it."),
    key("green", "name", Is("\"green\""), "The same for green."),
    key("file", "path", Nothing, "A file of its own in the directory that Traefik watches, ending in .yml, .yaml or .toml: the weighted service alone, written whole. This or redis."),
    key("redis", "host:port", Nothing, "The Redis that Traefik reads, without TLS."),
    key("db", "number", Is("0"), "With redis: the database, as Traefik's providers.redis.db."),
    key("user", "name", From("default"), "With redis: the user of password."),
    key("password", "table", Nothing, "With redis: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("root_key", "text", Is("\"traefik\""), "With redis: Traefik's providers.redis.rootKey."),
]);

pub(in crate::config) const NGINX: Section = Section::new("[backend] kind = \"nginx\"", &[
    key("include", "path", Required, "The file that cutover writes and nginx.conf includes in http { }: a split_clients block."),
    key("variable", "name", Is("\"$cutover_side\""), "The variable the block sets, for proxy_pass http://$cutover_side."),
    key("key", "text", Is("\"${request_id}\""), "What requests are shared by: \"$remote_addr\" keeps a client on its side."),
    key("blue", "name", Is("\"blue\""), "The variable's value for blue: the name of an upstream."),
    key("green", "name", Is("\"green\""), "The same for green."),
    key("pid", "path", From("/run/nginx.pid; with reload nothing"), "The master's process id: it gets the HUP, and its workers show whether a split is in force."),
    key("test", "list of texts", Is("[\"nginx\", \"-t\"]"), "Tests the configuration before a forward change is taken in; when it fails the old file comes back."),
    key("reload", "list of texts", From("a HUP to pid"), "The command that reloads nginx, where a signal does not reach it: [\"docker\", \"exec\", \"web\", \"nginx\", \"-s\", \"reload\"]."),
    key("shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change is a reload, and few are better than many."),
]);

pub(in crate::config) const DNS: Section = Section::new("[backend] kind = \"dns\"", &[
    key("method", "update | powerdns", Required, "How records are changed: by update messages (RFC 2136: BIND, Knot, ...) or the HTTP interface of PowerDNS."),
    key("name", "domain name", Required, "The name that clients look up."),
    key("zone", "domain name", Required, "The zone it lies in."),
    key("record", "A | AAAA | CNAME | SRV", Is("\"A\""), "What its records are. By update A, AAAA and CNAME move all traffic at once, and SRV has weights; PowerDNS has weights for A and AAAA."),
    key("blue", "list of targets", Required, "What stands for blue: addresses, a name for CNAME, host:port for SRV."),
    key("green", "list of targets", Required, "The same for green."),
    key("ttl", "duration", Is("\"30s\""), "How long caches may keep an answer, in whole seconds: so long does a rollback take to be felt."),
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

pub(in crate::config) const HOOK_EXEC: Section = Section::new("[backend] kind = \"exec\"", &[
    key("read", "list of texts", Required, "The command that prints the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}; a program and its arguments, no shell is between. It may also print replicas, versions, mixed and notes."),
    key("set", "list of texts", Nothing, "The command that sets a split. Words may hold {{blue}} {{green}} (percent), {{from}} {{to}} (sides), {{move}}, {{order}}, {{expected}} (the revision on the screen), {{revision}} (read last), {{service}}; each is in the environment too, as CUTOVER_GREEN."),
    key("switch", "list of texts", From("set"), "The command that moves all traffic to {{to}}."),
    key("rollback", "list of texts", From("switch or set"), "The command that goes back, for rollback and abort."),
    key("dir", "path", From("the config file's directory"), "Where the commands run."),
    key("conflict_code", "number", Is("75"), "The exit code that means: the state is another than {{expected}}. 0 accepted, 77 not allowed, 69 not reachable and nothing done, 64 refused; with any other it may have happened."),
]);

pub(in crate::config) const HOOK_HTTP: Section = Section::new("[backend] kind = \"http\"", &[
    key("read", "table", Required, "The call that answers the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}. As a table, or as [backend.read] below."),
    key("set", "table", Nothing, "The call that sets a split. 2xx accepted, 409 and 412 the state is another than expected, 401 and 403 not allowed, other 4xx refused; with any other it may have happened."),
    key("switch", "table", From("set"), "The call that moves all traffic to {{to}}."),
    key("rollback", "table", From("switch or set"), "The call that goes back, for rollback and abort."),
    key("revision_header", "header name", Nothing, "The response header that holds the revision, e.g. etag; without quotes in {{expected}}."),
]);

pub(in crate::config) const HOOK: Section = Section::new("[backend] kind = \"exec\" or \"http\"", &[
    key("weights", "any | all_or_nothing | list of percents", From("any; all_or_nothing without set"), "Which shares of green can be set."),
    key("async", "true | false", Is("false"), "Whether a change takes effect some time after it was accepted."),
    key("survives_restart", "true | false", Is("false"), "Whether the split outlives a restart of the router."),
    key("compare_and_set", "true | false", Is("false"), "Whether the acts themselves refuse when {{expected}} is no longer the revision. Otherwise cutover reads once more before it acts."),
    key("green", "JSON pointer", Is("\"/split/green\""), "Where the answer of read holds green's share in percent; its weight, when blue is written too."),
    key("blue", "JSON pointer", Nothing, "Where it holds blue's weight, for systems that have weights and no percents."),
    key("revision", "JSON pointer", Is("\"/revision\""), "Where it holds the revision: letters, digits and . _ : + / = @ , -. Without one the split itself is the revision."),
    key("timeout", "duration", Is("\"10s\""), "An act that takes longer is ended, with everything it started; it may have happened. A reading has 1.8s."),
]);

pub(in crate::config) const HOOK_CALL: Section = Section::new("[backend.read], [backend.set], ...", &[
    key("url", "URL", Required, "May hold the placeholders that the commands of kind = \"exec\" may hold, here and in headers and body."),
    key("method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("GET to read, POST with a body; otherwise required"), "Method of the request."),
    key("headers", "table", Nothing, "Sent with it: { if-match = \"\\\"{{expected}}\\\"\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("body", "text", Nothing, "Sent as application/json unless headers say another content-type."),
]);
