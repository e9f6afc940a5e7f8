//! The keys of every traffic system.

use super::KeyDefault::{From, Is, Nothing, Required};
use super::{
    BACKEND, BACKENDS, CADDY, DNS, EMBEDDED, ENVOY, HAPROXY, HOOK, HOOK_CALL, HOOK_EXEC, HOOK_HTTP, NGINX, SERVERS,
    TRAEFIK, UPSTREAMS, VALUES,
};
use super::{KeyDoc, key};

#[rustfmt::skip]
pub(super) const ROWS: &[KeyDoc] = &[
    key(BACKEND, "kind", "word", Required, "The traffic system: `cutover backends` lists what this version drives."),
    key(BACKEND, "verify_timeout", "duration", Is("\"10s\""), "An order that is not read back within this time is told as late."),

    key(EMBEDDED, "admin", "path or address", From("[gateway] admin"), "Where the gateway's admin interface is found, when this file has no [gateway]: a socket path or a loopback address."),
    key(EMBEDDED, "admin_token", "table", Nothing, "The admin interface's token, when admin is an address: { env = \"NAME\" } or { file = \"PATH\" }."),

    key(HAPROXY, "socket", "path or address", Nothing, "Where HAProxy's runtime API listens: a socket path, or host:port; this or sockets."),
    key(HAPROXY, "sockets", "list", Nothing, "The runtime API of each process, where several are one router: all of them are moved."),
    key(HAPROXY, "method", "map | percent | weights", From("weights where servers are written, else map"), "What carries the split: a map entry that names the side, a map entry with green's percent, or weights of servers."),
    key(HAPROXY, "map", "word", Nothing, "With map and percent: the map's file, as HAProxy's own config names it."),
    key(HAPROXY, "key", "word", From("active; with percent green_pct"), "With map and percent: the entry's key."),
    key(HAPROXY, "values", "table", From("{ blue = \"blue\", green = \"green\" }"), "With map: the values that stand for the sides."),
    key(HAPROXY, "backends", "table", Nothing, "With map and percent: the backend of each side, for counters, ready servers and open sessions; unknown without it."),
    key(HAPROXY, "backend", "name", Nothing, "With weights: the backend that holds the servers of both sides."),
    key(HAPROXY, "servers", "table", Nothing, "With weights: the servers of each side."),
    key(HAPROXY, "save_map", "path or list", Nothing, "With map and percent: the map file on this machine, written after each change; a reload goes back to what it says."),
    key(HAPROXY, "save_state", "path or list", Nothing, "With weights: HAProxy's server-state-file on this machine, one a socket, written after each change; a reload goes back to what it says."),

    key(VALUES, "blue", "word", Required, "The value that sends all traffic to blue."),
    key(VALUES, "green", "word", Required, "The value that sends all traffic to green."),

    key(BACKENDS, "blue", "name", Required, "The backend of blue."),
    key(BACKENDS, "green", "name", Required, "The backend of green."),

    key(SERVERS, "blue", "list of names", Required, "Blue's servers."),
    key(SERVERS, "green", "list of names", Required, "Green's servers."),

    key(ENVOY, "admin", "URL, path or list", Required, "The admin interface of each process: a base URL, or the path of its socket; where several are one router all of them are moved."),
    key(ENVOY, "key", "runtime key", Nothing, "The runtime_key in the runtime_fraction of green's route; its value is green's percent. This or routes."),
    key(ENVOY, "routes", "path", Nothing, "The file of routes that Envoy watches (RDS) and cutover writes whole; for weighted_clusters that a restart keeps."),
    key(ENVOY, "template", "path", Nothing, "With routes: the JSON it is made from, with {{version}}, {{blue}} and {{green}} in place of values."),
    key(ENVOY, "blue", "name", Is("\"blue\""), "Blue's cluster, as Envoy's own config names it."),
    key(ENVOY, "green", "name", Is("\"green\""), "The same for green."),

    key(CADDY, "admin", "path or address", Required, "Where Caddy's admin interface listens: a socket path, host:port, or a URL without a path."),
    key(CADDY, "handler", "name or path", Required, "The reverse_proxy that carries the split: its \"@id\", or its place, /config/apps/http/servers/..."),
    key(CADDY, "upstreams", "table", From("host and port of the replicas' URLs"), "The upstreams of each side, as the handler's dial spells them."),
    key(CADDY, "origin", "text", From("none is sent"), "The Origin that is sent: one of Caddy's admin.origins, where enforce_origin is on."),
    key(CADDY, "shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change reloads Caddy, so few steps are better than many."),
    key(CADDY, "survives_restart", "true | false", Is("false"), "Whether Caddy runs with --resume, so that a change outlives its process."),

    key(UPSTREAMS, "blue", "list of texts", Required, "Blue's upstreams: \"10.0.0.11:8080\", \"unix//run/blue.sock\"."),
    key(UPSTREAMS, "green", "list of texts", Required, "Green's upstreams."),

    key(TRAEFIK, "api", "URL or list of URLs", Required, "Traefik's API, without /api, of each instance that reads the file or Redis: an order is verified once all of them show it."),
    key(TRAEFIK, "headers", "table", Nothing, "Sent to the API, where it asks who calls: { authorization = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(TRAEFIK, "bearer", "table", Nothing, "A token sent to the API as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(TRAEFIK, "service", "name", Is("\"split\""), "The weighted service that cutover writes; routers name it."),
    key(TRAEFIK, "blue", "name", Is("\"blue\""), "Blue's service, as a weighted service names it: blue, or blue@docker where another provider has it."),
    key(TRAEFIK, "green", "name", Is("\"green\""), "The same for green."),
    key(TRAEFIK, "file", "path", Nothing, "A file of its own in the directory that Traefik watches, ending in .yml, .yaml or .toml: the weighted service alone, written whole. This or redis."),
    key(TRAEFIK, "redis", "host:port", Nothing, "The Redis that Traefik reads, without TLS."),
    key(TRAEFIK, "db", "number", Is("0"), "With redis: the database, as Traefik's providers.redis.db."),
    key(TRAEFIK, "user", "name", From("default"), "With redis: the user of password."),
    key(TRAEFIK, "password", "table", Nothing, "With redis: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(TRAEFIK, "root_key", "text", Is("\"traefik\""), "With redis: Traefik's providers.redis.rootKey."),

    key(NGINX, "include", "path", Required, "The file that cutover writes and nginx.conf includes in http { }: a split_clients block."),
    key(NGINX, "variable", "name", Is("\"$cutover_side\""), "The variable the block sets, for proxy_pass http://$cutover_side."),
    key(NGINX, "key", "text", Is("\"${request_id}\""), "What requests are shared by: \"$remote_addr\" keeps a client on its side."),
    key(NGINX, "blue", "name", Is("\"blue\""), "The variable's value for blue: the name of an upstream."),
    key(NGINX, "green", "name", Is("\"green\""), "The same for green."),
    key(NGINX, "pid", "path", From("/run/nginx.pid; with reload nothing"), "The master's process id: it gets the HUP, and its workers show whether a split is in force."),
    key(NGINX, "test", "list of texts", Is("[\"nginx\", \"-t\"]"), "Tests the configuration before a forward change is taken in; when it fails the old file comes back."),
    key(NGINX, "reload", "list of texts", From("a HUP to pid"), "The command that reloads nginx, where a signal does not reach it: [\"docker\", \"exec\", \"web\", \"nginx\", \"-s\", \"reload\"]."),
    key(NGINX, "shares", "list of percents", From("any"), "The only shares of green besides 0 and 100: each change is a reload, and few are better than many."),

    key(DNS, "method", "update | powerdns", Required, "How records are changed: by update messages (RFC 2136: BIND, Knot, ...) or the HTTP interface of PowerDNS."),
    key(DNS, "name", "domain name", Required, "The name that clients look up."),
    key(DNS, "zone", "domain name", Required, "The zone it lies in."),
    key(DNS, "record", "A | AAAA | CNAME | SRV", Is("\"A\""), "What its records are. By update A, AAAA and CNAME move all traffic at once, and SRV has weights; PowerDNS has weights for A and AAAA."),
    key(DNS, "blue", "list of targets", Required, "What stands for blue: addresses, a name for CNAME, host:port for SRV."),
    key(DNS, "green", "list of targets", Required, "The same for green."),
    key(DNS, "ttl", "duration", Is("\"30s\""), "How long caches may keep an answer, in whole seconds: so long does a rollback take to be felt."),
    key(DNS, "server", "address", From("required for update; with powerdns the server is not asked itself"), "The zone's primary, IP address and port, over TCP. With powerdns: asked whether it answers as its interface says."),
    key(DNS, "secondaries", "list of addresses", Nothing, "Servers that must say the same before an order is verified."),
    key(DNS, "key", "name", Nothing, "The TSIG key (hmac-sha256) that signs updates and questions."),
    key(DNS, "secret", "table", Nothing, "Its secret in base64: { env = \"NAME\" } or { file = \"PATH\" }."),
    key(DNS, "api", "URL", From("required for powerdns"), "The base of the PowerDNS interface, without /api/v1."),
    key(DNS, "server_id", "name", Is("\"localhost\""), "The server's id in that interface."),
    key(DNS, "api_key", "table", From("required for powerdns"), "The API key: { env = \"NAME\" } or { file = \"PATH\" }."),

    key(HOOK_EXEC, "read", "list of texts", Required, "The command that prints the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}; a program and its arguments, no shell is between. It may also print replicas, versions, mixed and notes."),
    key(HOOK_EXEC, "set", "list of texts", Nothing, "The command that sets a split. Words may hold {{blue}} {{green}} (percent), {{from}} {{to}} (sides), {{move}}, {{order}}, {{expected}} (the revision on the screen), {{revision}} (read last), {{service}}; each is in the environment too, as CUTOVER_GREEN."),
    key(HOOK_EXEC, "switch", "list of texts", From("set"), "The command that moves all traffic to {{to}}."),
    key(HOOK_EXEC, "rollback", "list of texts", From("switch or set"), "The command that goes back, for rollback and abort."),
    key(HOOK_EXEC, "dir", "path", From("the config file's directory"), "Where the commands run."),
    key(HOOK_EXEC, "conflict_code", "number", Is("75"), "The exit code that means: the state is another than {{expected}}. 0 accepted, 77 not allowed, 69 not reachable and nothing done, 64 refused; with any other it may have happened."),

    key(HOOK_HTTP, "read", "table", Required, "The call that answers the split as JSON: {\"split\":{\"green\":10},\"revision\":\"7\"}. As a table, or as [backend.read] below."),
    key(HOOK_HTTP, "set", "table", Nothing, "The call that sets a split. 2xx accepted, 409 and 412 the state is another than expected, 401 and 403 not allowed, other 4xx refused; with any other it may have happened."),
    key(HOOK_HTTP, "switch", "table", From("set"), "The call that moves all traffic to {{to}}."),
    key(HOOK_HTTP, "rollback", "table", From("switch or set"), "The call that goes back, for rollback and abort."),
    key(HOOK_HTTP, "revision_header", "header name", Nothing, "The response header that holds the revision, e.g. etag; without quotes in {{expected}}."),

    key(HOOK, "weights", "any | all_or_nothing | list of percents", From("any; all_or_nothing without set"), "Which shares of green can be set."),
    key(HOOK, "async", "true | false", Is("false"), "Whether a change takes effect some time after it was accepted."),
    key(HOOK, "survives_restart", "true | false", Is("false"), "Whether the split outlives a restart of the router."),
    key(HOOK, "compare_and_set", "true | false", Is("false"), "Whether the acts themselves refuse when {{expected}} is no longer the revision. Otherwise cutover reads once more before it acts."),
    key(HOOK, "green", "JSON pointer", Is("\"/split/green\""), "Where the answer of read holds green's share in percent; its weight, when blue is written too."),
    key(HOOK, "blue", "JSON pointer", Nothing, "Where it holds blue's weight, for systems that have weights and no percents."),
    key(HOOK, "revision", "JSON pointer", Is("\"/revision\""), "Where it holds the revision: letters, digits and . _ : + / = @ , -. Without one the split itself is the revision."),
    key(HOOK, "timeout", "duration", Is("\"10s\""), "An act that takes longer is ended, with everything it started; it may have happened. A reading has 1.8s."),

    key(HOOK_CALL, "url", "URL", Required, "May hold the placeholders that the commands of kind = \"exec\" may hold, here and in headers and body."),
    key(HOOK_CALL, "method", "GET | POST | PUT | PATCH | DELETE | HEAD", From("GET to read, POST with a body; otherwise required"), "How it is asked."),
    key(HOOK_CALL, "headers", "table", Nothing, "Sent with it: { if-match = \"\\\"{{expected}}\\\"\", x-api-key = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key(HOOK_CALL, "bearer", "table", Nothing, "A token sent as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key(HOOK_CALL, "body", "text", Nothing, "Sent as application/json unless headers say another content-type."),
];
