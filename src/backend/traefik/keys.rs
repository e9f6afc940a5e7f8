//! The keys of `[backend]` for Traefik.

use crate::settings::KeyDefault::{From, Is, Nothing, Required};
use crate::settings::{Section, key};

pub(super) const KEYS: Section = Section::new("[backend] kind = \"traefik\"", &[
    key("api", "URL or list of URLs", Required, "Traefik's API, without /api, of each instance that reads the file or Redis: an order is verified once all of them show it."),
    key("headers", "table", Nothing, "Sent to the API, if it asks for credentials: { authorization = { env = \"NAME\" } }; a secret is { env = .. } or { file = .. }."),
    key("bearer", "table", Nothing, "A token sent to the API as Authorization: Bearer, from { env = \"NAME\" } or { file = \"PATH\" }."),
    key("service", "name", Is("\"split\""), "The weighted service that cutover writes; routers name it."),
    key("blue", "name", Is("\"blue\""), "Blue's service, as a weighted service names it: blue, or blue@docker where another provider has it."),
    key("green", "name", Is("\"green\""), "The same for green."),
    key("file", "path", Nothing, "A file of its own in the directory that Traefik watches, ending in .yml, .yaml or .toml: the weighted service alone, written whole. This or redis."),
    key("redis", "host:port or URL", Nothing, "The Redis that Traefik reads: host:port, or rediss://host:port for TLS with ca, cert and key. Needs a build with the feature traefik-redis."),
    key("db", "number", Is("0"), "With redis: the database, as Traefik's providers.redis.db."),
    key("user", "name", From("default"), "With redis: the user of password."),
    key("password", "table", Nothing, "With redis: { env = \"NAME\" } or { file = \"PATH\" }."),
    key("root_key", "text", Is("\"traefik\""), "With redis: Traefik's providers.redis.rootKey."),
]);
