//! The state of one process.

use std::net::SocketAddr;

use super::table::{Row, Table, foreign};
use super::{command, weights, wire};
use crate::backend::BackendError;
use crate::backend::haproxy::spec::Method;
use crate::domain::observation::Replicas;
use crate::domain::text::clean;
use crate::domain::{Pair, Side, SideTraffic, Split};

/// A process younger than this many seconds gets a note: run-time settings may be lost.
const JUST_STARTED_S: u64 = 120;

/// One reading of one process.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Its split.
    pub split: Split,
    /// Its process id and start time: with another process the counters start from zero.
    pub process: String,
    /// Everything that carries the split, as shown by the process.
    pub raw: String,
    /// The split from the weights in its configuration file, if weights carry the split.
    pub configured: Option<Split>,
    /// Its servers and counters per side; `None` where the config names no backends.
    pub sides: Option<Pair<SideReading>>,
    /// Servers of the config that it does not have.
    pub missing: Vec<String>,
    /// Why users do not get what the split says: the sides' addresses are swapped.
    pub odd: Option<String>,
    /// The level of the socket, where it is too low to set weights.
    pub level: Option<String>,
    /// Notes for people.
    pub notes: Vec<String>,
}

/// The state of one side in one process.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SideReading {
    /// Servers that accept requests, and all servers.
    pub replicas: Replicas,
    /// The servers that accept none, with their state and what helps.
    pub unready: Vec<String>,
    /// Counters. In TCP mode there are no counts by status.
    pub traffic: Option<SideTraffic>,
    /// Open sessions.
    pub sessions: u64,
}

/// Reads the answers to [`command::reading`].
pub(super) fn read(method: &Method, answers: &[String]) -> Result<Reading, BackendError> {
    let mut answers = answers.iter().map(String::as_str);
    let mut next = || answers.next().unwrap_or_default();
    let info = Info::read(next())?;
    let mut notes = Vec::new();
    if info.uptime_s < JUST_STARTED_S {
        notes.push(format!("HAProxy was started or reloaded less than {} minutes ago", JUST_STARTED_S / 60));
    }
    let (mut configured, mut missing, mut odd, mut level) = (None, Vec::new(), None, None);
    let (split, raw, sides) = match method {
        Method::Switch { .. } | Method::Percent { .. } => {
            let (split, value) = of_map(method, next())?;
            let sides = match command::backends(method) {
                None => None,
                Some(backends) => {
                    let (blue, green) = (Table::stat(next())?, Table::stat(next())?);
                    let (blue, green) = (of_backend(&blue, &backends.blue)?, of_backend(&green, &backends.green)?);
                    Some(Pair { blue, green })
                }
            };
            (split, value, sides)
        }
        Method::Weights { backend, servers, addresses } => {
            let state = Table::servers_state(next())?;
            odd = swapped(&state, servers, addresses);
            missing = missing_of(&state, backend, servers);
            let (split, raw) = of_weights(&state, backend, servers, &mut notes)?;
            configured =
                sums(&state, servers, "srv_iweight").and_then(|sums| weights::to_split(&sums)).map(|(it, _)| it);
            let stat = Table::stat(next())?;
            let sides = servers.map(|_, servers| of_servers(&stat, backend, servers));
            agents(&stat, servers, &mut notes);
            let told = next().trim();
            level = (["user", "operator"].contains(&told)).then(|| told.to_owned());
            (split, raw, Some(sides))
        }
    };
    Ok(Reading { split, process: info.process, raw, configured, sides, missing, odd, level, notes })
}

/// The data of `show info` about the process.
struct Info {
    process: String,
    uptime_s: u64,
}

impl Info {
    fn read(text: &str) -> Result<Self, BackendError> {
        if let Some(refusal) = wire::refusal(text) {
            return Err(refusal);
        }
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let number = |name: &str| value(name).and_then(|text| text.trim().parse::<u64>().ok());
        let (Some(pid), Some(uptime_s)) = (number("Pid"), number("Uptime_sec")) else {
            return Err(foreign("show info", text));
        };
        // Older versions do not report their start time.
        let began = number("Start_time_sec").unwrap_or(0);
        Ok(Self { process: format!("{pid}-{began}"), uptime_s })
    }
}

/// The split for the map's entry, and its value.
pub(super) fn of_map(method: &Method, text: &str) -> Result<(Split, String), BackendError> {
    if let Some(refusal) = wire::refusal(text) {
        return Err(refusal);
    }
    let Some(entry) = command::entry(method) else { return Err(foreign("show map", text)) };
    let mut values: Vec<&str> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(at), Some(key), value) if at.starts_with("0x") => {
                values.extend((key == entry.key).then(|| value.unwrap_or_default()));
            }
            _ => return Err(foreign("show map", text)),
        }
    }
    let (map, key) = (&entry.map, &entry.key);
    let Some(&value) = values.first() else {
        return Err(BackendError::Refused(format!("map {map} holds no {key}: add the line to the map file")));
    };
    if values.iter().any(|other| *other != value) {
        return Err(BackendError::Refused(format!("map {map} holds {key} twice, with different values")));
    }
    let Some(split) = command::split_of(method, value) else {
        let shown = clean(value, 40);
        return Err(BackendError::Refused(format!("map {map} says {key} = {shown:?}, which stands for no split")));
    };
    Ok((split, value.to_owned()))
}

/// Bits of `srv_admin_state` that stop new requests: forced and inherited maintenance and drain.
const OUT_OF_USE: u64 = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 | 0x40;

/// The split for the weights.
fn of_weights(
    state: &Table,
    backend: &str,
    servers: &Pair<Vec<String>>,
    notes: &mut Vec<String>,
) -> Result<(Split, String), BackendError> {
    let mut raw = Vec::new();
    let mut sums = Pair { blue: 0_u64, green: 0 };
    for side in Side::BOTH {
        let mut in_use = false;
        for server in &servers[side] {
            // A server that does not exist takes no traffic.
            let Some(row) = state.rows().find(|row| row.text("srv_name") == server) else {
                raw.push(format!("{server}=none"));
                continue;
            };
            let (Some(weight), Some(admin)) = (row.number("srv_uweight"), row.number("srv_admin_state")) else {
                return Err(BackendError::Garbled(format!("no weight is told for server {server}")));
            };
            raw.push(format!("{server}={weight}/{admin}"));
            sums[side] += weight;
            in_use |= admin & OUT_OF_USE == 0;
        }
        if !in_use {
            sums[side] = 0;
        }
    }
    let own = |name: &str| servers.blue.iter().chain(&servers.green).any(|server| server == name);
    let others = state.rows().filter(|row| !own(row.text("srv_name")) && row.number("srv_uweight") > Some(0));
    notes.extend(others.map(|row| {
        let name = clean(row.text("srv_name"), 60);
        format!("server {name} of backend {backend} belongs to no side and takes traffic")
    }));
    let Some((split, is_whole)) = weights::to_split(&sums) else {
        return Err(BackendError::Refused(format!(
            "no server of backend {backend} has a weight and is in use: clients get 503"
        )));
    };
    if !is_whole {
        notes.push(format!("weights make no whole percent: {}", raw.join(" ")));
    }
    Ok((split, raw.join(" ")))
}

/// The servers that HAProxy does not have.
fn missing_of(state: &Table, backend: &str, servers: &Pair<Vec<String>>) -> Vec<String> {
    let is_there = |server: &String| state.rows().any(|row| row.text("srv_name") == server);
    let all = servers.blue.iter().chain(&servers.green);
    all.filter(|server| !is_there(server)).map(|server| clean(&format!("{backend}/{server}"), 80)).collect()
}

/// A server of one side whose address the config gives to the other side; in words.
fn swapped(state: &Table, servers: &Pair<Vec<String>>, addresses: &Pair<Vec<SocketAddr>>) -> Option<String> {
    for side in Side::BOTH {
        for row in state.rows().filter(|row| servers[side].iter().any(|server| server == row.text("srv_name"))) {
            let (Ok(ip), Some(port)) = (row.text("srv_addr").parse(), row.number("srv_port")) else { continue };
            let at = SocketAddr::new(ip, u16::try_from(port).unwrap_or_default());
            if addresses[side.other()].contains(&at) && !addresses[side].contains(&at) {
                let (server, other) = (clean(row.text("srv_name"), 60), side.other());
                return Some(format!(
                    "server {server} of {side} is at {at}, an address of [{other}]: are the sides swapped?"
                ));
            }
        }
    }
    None
}

/// The sums of a column for each side; `None` if a server has no number.
fn sums(state: &Table, servers: &Pair<Vec<String>>, column: &str) -> Option<Pair<u64>> {
    let mut sums = Pair { blue: 0, green: 0 };
    for side in Side::BOTH {
        for server in &servers[side] {
            if let Some(row) = state.rows().find(|row| row.text("srv_name") == server) {
                sums[side] += row.number(column)?;
            }
        }
    }
    Some(sums)
}

/// The split in a server state file; `None` if it has none.
pub(super) fn split_of_state(method: &Method, text: &str) -> Option<Split> {
    let Method::Weights { backend, servers, .. } = method else { return None };
    let own = |line: &&str| line.split_ascii_whitespace().nth(1) == Some(backend);
    let head = text.lines().take(2);
    let lines: Vec<&str> = head.chain(text.lines().skip(2).filter(own)).collect();
    let state = Table::servers_state(&format!("{}\n", lines.join("\n"))).ok()?;
    weights::to_split(&sums(&state, servers, "srv_uweight")?).map(|(split, _)| split)
}

/// Notes an agent-check: it may change a weight at any time.
fn agents(stat: &Table, servers: &Pair<Vec<String>>, notes: &mut Vec<String>) {
    for row in stat.rows().filter(|row| !row.text("agent_status").is_empty()) {
        if let Some(side) = Side::BOTH.into_iter().find(|side| servers[*side].iter().any(|it| it == row.text("svname")))
        {
            notes.push(format!("{side}: an agent-check may change the weight of server {}", row.text("svname")));
        }
    }
}

/// A side that is a backend.
fn of_backend(stat: &Table, backend: &str) -> Result<SideReading, BackendError> {
    let Some(whole) = stat.rows().find(|row| row.text("svname") == "BACKEND") else {
        return Err(BackendError::Garbled(format!("no row BACKEND for backend {backend}")));
    };
    let mut side = SideReading { sessions: whole.number("scur").unwrap_or(0), ..SideReading::default() };
    for row in stat.rows().filter(|row| row.text("svname") != "BACKEND") {
        side.count(row);
    }
    // HAProxy's own answers (503 without a server) are counted only in the backend's row.
    side.traffic =
        by_class(whole, 0).map(|by_class| SideTraffic { by_class, in_flight: side.sessions, latency_us: Vec::new() });
    Ok(side)
}

/// A side that consists of some servers of a backend.
fn of_servers(stat: &Table, backend: &str, servers: &[String]) -> SideReading {
    let mut side = SideReading::default();
    for server in servers.iter().filter(|server| !stat.rows().any(|row| row.text("svname") == server.as_str())) {
        side.replicas.total += 1;
        side.unready.push(clean(&format!("HAProxy has no server {backend}/{server}"), 120));
    }
    for row in stat.rows().filter(|row| servers.iter().any(|server| server == row.text("svname"))) {
        side.count(row);
        side.sessions += row.number("scur").unwrap_or(0);
        let failed = row.number("econ").unwrap_or(0) + row.number("eresp").unwrap_or(0);
        if let Some(counted) = by_class(row, failed) {
            let traffic = side.traffic.get_or_insert_default();
            for (sum, n) in traffic.by_class.iter_mut().zip(counted) {
                *sum += n;
            }
        }
    }
    if let Some(traffic) = &mut side.traffic {
        traffic.in_flight = side.sessions;
    }
    side
}

impl SideReading {
    fn count(&mut self, row: Row<'_>) {
        let status = row.text("status");
        self.replicas.total += 1;
        if status == "UP" || status.starts_with("UP ") || status == "no check" {
            self.replicas.ready += 1;
        } else {
            let place = clean(&format!("{}/{}", row.text("pxname"), row.text("svname")), 80);
            self.unready.push(unready(&place, status, row));
        }
    }
}

/// A server that takes no requests, its state and what helps.
fn unready(place: &str, status: &str, row: Row<'_>) -> String {
    let status = clean(status, 40);
    if ["MAINT", "DRAIN"].iter().any(|word| status.starts_with(word)) {
        return format!("HAProxy has {place} in {status}; type: set server {place} state ready");
    }
    // `* ` marks a check that runs now.
    let check = format!("{} {}", row.text("check_status"), row.text("check_code"));
    let check = clean(check.trim_start_matches("* ").trim(), 40);
    let why = if check.is_empty() { String::new() } else { format!(", its check says {check}") };
    format!("HAProxy has {place} {status}{why}")
}

/// Answers by status class; `None` in TCP mode, where HAProxy knows no status.
fn by_class(row: Row<'_>, failed: u64) -> Option<[u64; 6]> {
    let class = |n: u8| row.number(&format!("hrsp_{n}xx"));
    Some([failed, class(1)?, class(2)?, class(3)?, class(4)?, class(5)?])
}

#[cfg(test)]
mod tests;
