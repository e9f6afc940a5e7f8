//! The weighted service as keys in Redis: they are read at once, and changed at once if they are still what was read.

mod connection;
pub(super) mod spec;

use redis::{Pipeline, ServerError, Value};

use self::connection::Connection;
pub use self::spec::RedisSpec;
pub(super) use self::spec::read;
use super::share;
use super::source::Source;
use crate::backend::BackendError;
use crate::backend::traefik::spec::TraefikSpec;
use crate::domain::text::clean;
use crate::domain::{Order, Pair, Side};
use crate::http::{Tls, any_secret};

/// A Redis and the service in it.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) spec: &'a TraefikSpec,
    pub(super) redis: &'a RedisSpec,
    /// For `rediss://`; an error where TLS cannot be used at all.
    pub(super) tls: Option<&'a Result<Tls, BackendError>>,
}

/// The keys as they were read, and the connection on which Redis watches them.
pub(super) struct Watched<'a> {
    keys: Keys<'a>,
    connection: Connection,
}

impl<'a> Keys<'a> {
    /// Name and weight of blue, then of green.
    fn names(self) -> [String; 4] {
        let key = |at: u8, what: &str| {
            format!("{}/http/services/{}/weighted/services/{at}/{what}", self.redis.root, self.spec.service)
        };
        [key(0, "name"), key(0, "weight"), key(1, "name"), key(1, "weight")]
    }

    async fn open(self) -> Result<Connection, BackendError> {
        let password = self.redis.password.as_ref().map(any_secret).transpose();
        let password = password.map_err(|why| BackendError::Denied(format!("no secret for Redis: {why}")))?;
        let tls = self.tls.map(Result::as_ref).transpose().map_err(Clone::clone)?;
        let mut connection = Connection::open(self.redis, tls).await?;
        let mut commands = Pipeline::new();
        if let Some(password) = password {
            commands.cmd("AUTH").arg(self.redis.user.as_ref()).arg(password);
        }
        if self.redis.db > 0 {
            commands.cmd("SELECT").arg(self.redis.db);
        }
        // Sent alone: without the right user and database nothing may be written.
        if !commands.is_empty() {
            self.sound(&connection.ask(&commands).await?)?;
        }
        Ok(connection)
    }

    /// Reads the keys.
    pub(super) async fn read(self) -> Result<Source, BackendError> {
        let mut connection = self.open().await?;
        self.read_by(&mut connection, false).await
    }

    /// For a forward order: it is not written if the keys change after they were read.
    pub(super) async fn watch(self) -> Result<Watched<'a>, BackendError> {
        Ok(Watched { keys: self, connection: self.open().await? })
    }

    async fn read_by(self, connection: &mut Connection, watch: bool) -> Result<Source, BackendError> {
        let mut commands = Pipeline::new();
        if watch {
            commands.cmd("WATCH").arg(&self.names());
        }
        commands.cmd("MGET").arg(&self.names()).cmd("CONFIG").arg("GET").arg(SETTING);
        let mut replies = connection.ask(&commands).await?;
        // It may be forbidden: then the setting is not known.
        let setting = replies.pop().and_then(setting);
        self.sound(&replies)?;
        let Some(Value::Array(values)) = replies.pop() else { return Err(self.odd("no list of values")) };
        self.source(values, setting)
    }

    fn source(self, values: Vec<Value>, setting: Option<String>) -> Result<Source, BackendError> {
        let [name_0, weight_0, name_1, weight_1] = self.names();
        let mut values = values.into_iter();
        let mut raw = String::new();
        let mut next = |key: &str| match values.next() {
            Some(Value::BulkString(text)) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                raw.push_str(&text);
                raw.push('\n');
                Ok(text)
            }
            _ => Err(self.odd(&format!("there is no {key}: write the first ones as the set-up page shows"))),
        };
        let mut services = Vec::new();
        for (name, weight) in [(name_0, weight_0), (name_1, weight_1)] {
            let (service, text) = (next(&name)?, next(&weight)?);
            let weight =
                text.parse().map_err(|_| self.odd(&format!("{weight} is {:?}, no weight", clean(&text, 40))))?;
            services.push((service, Some(weight)));
        }
        let weights = share::of_services(self.spec, &services).map_err(|why| self.odd(&why))?;
        let notes = setting.filter(|flags| !tells(flags)).as_deref().map(untold).into_iter().collect();
        Ok(Source { weights, raw, notes })
    }

    /// Carries out a rollback, which checks nothing first.
    pub(super) async fn write(self, order: &Order) -> Result<(), BackendError> {
        let mut connection = self.open().await?;
        self.write_by(&mut connection, order, None).await
    }

    async fn write_by(
        self,
        connection: &mut Connection,
        order: &Order,
        now: Option<Pair<u64>>,
    ) -> Result<(), BackendError> {
        let weights = share::weights(order.target, &order.id, now);
        let mut commands = Pipeline::new();
        commands.cmd("MULTI");
        for (key, value) in self.sets(weights) {
            commands.cmd("SET").arg(key).arg(value);
        }
        // Redis publishes this itself unless that is turned off. Without it Traefik would not see a rollback.
        commands.cmd("EXEC").cmd("PUBLISH").arg(self.channel()).arg("set");
        let mut replies = connection.ask(&commands).await?;
        // The reply to PUBLISH, which may be forbidden.
        replies.pop();
        let exec = replies.pop();
        self.sound(&replies)?;
        match exec {
            Some(Value::Array(done)) => match self.sound(&done) {
                Ok(()) => Ok(()),
                Err(error) => Err(BackendError::Unknown(format!("part of it is written: {}", error.detail()))),
            },
            Some(Value::Nil) => {
                Err(BackendError::Conflict("somebody changed the keys at this moment; nothing was written".into()))
            }
            Some(Value::ServerError(error)) => Err(self.refused(&line(&error))),
            _ => Err(self.odd("an answer to EXEC that is none")),
        }
    }

    /// The channel on which Traefik hears that a key was set.
    pub(super) fn channel(self) -> String {
        let [_, _, _, last] = self.names();
        format!("__keyspace@{}__:{last}", self.redis.db)
    }

    /// Keys and their values for `weights`.
    pub(super) fn sets(self, weights: Pair<u64>) -> [(String, String); 4] {
        let [name_0, weight_0, name_1, weight_1] = self.names();
        let name = |side: Side| self.spec.names[side].clone();
        [
            (name_0, name(Side::Blue)),
            (weight_0, weights.blue.to_string()),
            (name_1, name(Side::Green)),
            (weight_1, weights.green.to_string()),
        ]
    }

    /// That none of `replies` is an error.
    fn sound(self, replies: &[Value]) -> Result<(), BackendError> {
        let refused = replies.iter().find_map(|reply| match reply {
            Value::ServerError(error) => Some(self.refused(&line(error))),
            _ => None,
        });
        refused.map_or(Ok(()), Err)
    }

    fn odd(self, why: &str) -> BackendError {
        BackendError::Garbled(format!("{}: {why}", self.redis))
    }

    /// What an error of Redis means for an order.
    fn refused(self, line: &str) -> BackendError {
        let word = line.split(' ').next().unwrap_or_default();
        let told = format!("{}: {}", self.redis, clean(line, 160));
        let and = |remedy: &str| format!("{told}: {remedy}");
        match word {
            "NOAUTH" => BackendError::Denied(and("write password, and user where it has one")),
            "WRONGPASS" => BackendError::Denied(and("look at user and password")),
            "NOPERM" => BackendError::Denied(and("give the user the rights that the set-up page lists")),
            "DENIED" => BackendError::Denied(and("give Redis a password, or reach it by its loopback address")),
            "READONLY" => BackendError::Refused(and("this is a replica, name its primary")),
            "LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => BackendError::Unreachable(told),
            "MOVED" | "ASK" | "CROSSSLOT" => {
                BackendError::Refused(and("a Redis Cluster is not driven, name a Redis that holds all keys"))
            }
            "MISCONF" | "OOM" | "NOREPLICAS" => BackendError::Refused(and("it takes no writes until that is mended")),
            "WRONGTYPE" => BackendError::Refused(and("the key holds something else than a text")),
            _ if line.contains("AUTH") || line.contains("invalid password") => {
                BackendError::Denied(and("look at user and password"))
            }
            _ if line.contains("max number of clients") => BackendError::Unreachable(told),
            _ => BackendError::Refused(told),
        }
    }
}

impl Watched<'_> {
    /// Reads the keys, which Redis watches from now on.
    pub(super) async fn read(&mut self) -> Result<Source, BackendError> {
        self.keys.read_by(&mut self.connection, true).await
    }

    /// Writes what `order` asks for in the place of `source`.
    pub(super) async fn write(&mut self, order: &Order, source: &Source) -> Result<(), BackendError> {
        // The only note there is: Redis does not notify Traefik.
        if !source.notes.is_empty() {
            let why = source.notes.join("; ");
            return Err(BackendError::Refused(format!("{why}; nothing was written")));
        }
        self.keys.write_by(&mut self.connection, order, Some(source.weights)).await
    }
}

/// The setting that makes Redis publish changes. Traefik sets it when it starts.
const SETTING: &str = "notify-keyspace-events";

fn setting(reply: Value) -> Option<String> {
    match redis::from_redis_value::<(String, String)>(reply) {
        Ok((name, flags)) if name == SETTING => Some(flags),
        _ => None,
    }
}

/// An error as Redis sent it.
fn line(error: &ServerError) -> String {
    format!("{} {}", error.code(), error.details().unwrap_or_default())
}

/// Whether Redis publishes, on the channel of a key, that the key was set.
fn tells(flags: &str) -> bool {
    flags.contains('K') && (flags.contains('A') || flags.contains('$'))
}

fn untold(flags: &str) -> String {
    format!(
        "Redis does not tell Traefik of changes ({SETTING} is {:?}): redis-cli config set {SETTING} AKE",
        clean(flags, 20)
    )
}

#[cfg(test)]
mod tests {
    use super::super::share::tests::spec;
    use super::*;
    use crate::backend::traefik::spec::{FileFormat, TraefikWay};

    fn with(test: impl FnOnce(Keys<'_>)) {
        let redis = RedisSpec {
            host: "10.0.0.5".into(),
            port: 6379,
            tls: false,
            db: 2,
            user: None,
            password: None,
            root: "traefik".into(),
        };
        let spec = TraefikSpec { way: TraefikWay::Redis(redis.clone()), ..spec(FileFormat::Yaml) };
        test(Keys { spec: &spec, redis: &redis, tls: None });
    }

    #[test]
    fn keys_are_read_strictly() {
        let read = |keys: Keys<'_>, values: [Option<&str>; 4]| {
            let values = values.map(|value| value.map_or(Value::Nil, |text| Value::BulkString(text.into())));
            keys.source(values.to_vec(), Some("AKE".into()))
        };
        with(|keys| {
            let sound = read(keys, [Some("green@docker"), Some("10"), Some("blue"), Some("90")]).unwrap();
            assert_eq!((sound.weights, sound.notes), (Pair { blue: 90, green: 10 }, Vec::new()));
            for (values, told) in [
                ([Some("blue"), None, Some("green@docker"), Some("1")], "services/0/weight: write the first"),
                ([Some("blue"), Some("-1"), Some("green@docker"), Some("1")], "services/0/weight is \"-1\", no weight"),
                ([Some("blue"), Some("1"), Some("red"), Some("1")], "it shares to \"red\" too"),
            ] {
                let error = read(keys, values).unwrap_err();
                assert!(matches!(&error, BackendError::Garbled(text) if text.contains(told)), "{error}");
            }
        });
    }

    #[test]
    fn an_error_of_redis_says_what_it_means_and_what_to_do() {
        with(|keys| {
            let of = |line: &str| keys.refused(line);
            for line in
                ["NOAUTH Authentication required.", "WRONGPASS invalid username-password pair", "NOPERM this user"]
            {
                assert!(matches!(of(line), BackendError::Denied(_)), "{line}");
            }
            let no_password = "ERR AUTH <password> called without any password configured for the default user.";
            assert!(matches!(of(no_password), BackendError::Denied(_)));
            assert!(matches!(of("ERR DB index is out of range"), BackendError::Refused(_)));
            assert!(matches!(of("LOADING Redis is loading the dataset"), BackendError::Unreachable(_)));
            assert_eq!(
                of("MOVED 1234 10.0.0.6:6379\u{1b}[2J").to_string(),
                "refused: redis://10.0.0.5:6379/2: MOVED 1234 10.0.0.6:6379: a Redis Cluster is not driven, name a Redis \
                 that holds all keys"
            );
            assert!(of("READONLY You can't write").detail().ends_with("this is a replica, name its primary"));
        });
    }

    #[test]
    fn redis_tells_of_changes_or_not() {
        for (flags, is_told) in [("AKE", true), ("K$", true), ("", false), ("AE", false), ("Kg", false)] {
            assert_eq!(tells(flags), is_told, "{flags:?}");
        }
    }
}
