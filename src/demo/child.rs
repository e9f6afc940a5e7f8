//! The demo's child processes: what they read, what they print, and when they end.
//!
//! A child reads commands on stdin and prints one JSON document ([`Report`]) a line on stdout. It ends when stdin
//! closes, and the pipe closes when the parent ends in any way: no child outlives the demo. If the parent does not
//! read, reports are dropped, but the child goes on working.
//!
//! Commands of a model server: `behave` and a [`Mode`]'s name. Of the client load: `rps N`.

use std::io::{self, BufRead, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, MissedTickBehavior};

use super::accelerator::{Accelerator, Pace};
use super::behaviour::{Behaviour, Mode};
use super::data::golden_cases;
use super::load::{Load, LoadReport, MAX_RPS};
use super::model::Model;
use super::server::{Server, serve};
use crate::domain::Side;
use crate::domain::text::clean;

/// Longest command, in bytes.
const MAX_COMMAND: u64 = 256;
/// The most waiting commands and reports.
const QUEUE: usize = 16;
/// The time between two reports of the client load.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What a child prints, one JSON document a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Report {
    /// A model server listens. Always its first line.
    Listening {
        /// Which side's model it serves.
        side: Side,
        /// The address.
        address: SocketAddr,
    },
    /// A model server changed its behaviour.
    Behaves {
        /// The side of the server.
        side: Side,
        /// The new behaviour.
        mode: Mode,
    },
    /// The client load's counts, once a second.
    Load(LoadReport),
    /// A command was not understood. Nothing changed.
    Rejected {
        /// What is wrong with it.
        reason: String,
    },
}

/// The child's ends of its two pipes.
#[derive(Debug)]
pub struct Pipes {
    /// Commands, one a line; closed when the parent has gone.
    pub commands: mpsc::Receiver<String>,
    /// Reports for the parent.
    pub reports: mpsc::Sender<Report>,
}

impl Pipes {
    /// The process's own stdin and stdout.
    pub fn stdio() -> Self {
        Self::new(io::BufReader::new(io::stdin()), io::stdout())
    }

    /// Pipes over any reader and writer. Each gets its own thread, since both block.
    pub fn new(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Self {
        let (command_tx, commands) = mpsc::channel(QUEUE);
        let (reports, report_rx) = mpsc::channel(QUEUE);
        std::thread::spawn(move || read_commands(input, &command_tx));
        std::thread::spawn(move || write_reports(output, report_rx));
        Self { commands, reports }
    }

    /// Passes a report to the writer; dropped when the parent does not read.
    fn report(&self, report: Report) {
        let _ = self.reports.try_send(report);
    }
}

fn read_commands(mut input: impl BufRead, commands: &mpsc::Sender<String>) {
    loop {
        let mut line = Vec::new();
        match input.by_ref().take(MAX_COMMAND).read_until(b'\n', &mut line) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                if !text.is_empty() && commands.blocking_send(text).is_err() {
                    return;
                }
            }
        }
    }
}

fn write_reports(mut output: impl Write, mut reports: mpsc::Receiver<Report>) {
    while let Some(report) = reports.blocking_recv() {
        let written = serde_json::to_string(&report).map_err(io::Error::from);
        if written.and_then(|line| writeln!(output, "{line}")).and_then(|()| output.flush()).is_err() {
            return;
        }
    }
}

/// Serves `side`'s model on loopback until the parent goes. `port` 0 takes a free port.
///
/// # Errors
/// The port is in use, or the embedded weights are damaged.
pub async fn run_model_server(side: Side, port: u16, mode: Mode, mut pipes: Pipes) -> Result<(), String> {
    let model = Model::of(side)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let cannot = |e: io::Error| format!("cannot listen on {address}: {e}");
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let behaviour = Arc::new(Behaviour::new(mode));
    let server = Arc::new(Server::new(model, Accelerator::new(Pace::of(side)), behaviour.clone()));
    pipes.report(Report::Listening { side, address });
    let commands = async {
        while let Some(command) = pipes.commands.recv().await {
            pipes.report(match argument(&command, "behave").and_then(str::parse::<Mode>) {
                Ok(mode) => {
                    behaviour.set(mode);
                    Report::Behaves { side, mode }
                }
                Err(reason) => Report::Rejected { reason },
            });
        }
    };
    serve(listener, server, commands).await.map_err(cannot)
}

/// Sends golden requests to the gateway at `url`, `rps` a second, until the parent goes.
///
/// # Errors
/// `url` is not an `http` URL.
pub async fn run_load(url: &str, rps: u32, mut pipes: Pipes) -> Result<(), String> {
    let cases = golden_cases().map_err(|e| format!("the golden set is damaged: {e}"))?;
    let load = Arc::new(Load::new(url, cases)?);
    let rate = watch::Sender::new(rps.min(MAX_RPS));
    let rates = rate.subscribe();
    let mut ticks = time::interval(REPORT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let steer = async {
        loop {
            tokio::select! {
                command = pipes.commands.recv() => match command {
                    None => return,
                    Some(command) => match argument(&command, "rps").and_then(requests_per_second) {
                        Ok(rps) => {
                            rate.send_replace(rps);
                        }
                        Err(reason) => pipes.report(Report::Rejected { reason }),
                    },
                },
                _ = ticks.tick() => pipes.report(Report::Load(load.report())),
            }
        }
    };
    load.clone().run(rates, steer).await;
    Ok(())
}

/// The text after the word `word` in a command.
fn argument<'a>(command: &'a str, word: &str) -> Result<&'a str, String> {
    let (first, rest) = command.split_once(' ').unwrap_or((command, ""));
    if first == word { Ok(rest.trim()) } else { Err(format!("no command {:?}: use {word}", clean(first, 40))) }
}

fn requests_per_second(text: &str) -> Result<u32, String> {
    let fault = || format!("no rate {:?}: a whole number from 0 to {MAX_RPS}", clean(text, 40));
    text.parse().ok().filter(|rps| *rps <= MAX_RPS).ok_or_else(fault)
}
