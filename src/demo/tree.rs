//! The demo's process tree: gateway, two model servers and client load, all children of this process.
//!
//! Each child holds the other end of a pipe on its stdin. It ends when the pipe closes, so it ends with this process
//! in any case.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, timeout};

use super::behaviour::Mode;
use super::child::Report;
use super::data;
use super::scenario::Scenario;
use super::settings::{Addresses, CONFIG_FILE, demo_config};
use crate::config::{self, Config};
use crate::domain::{Pair, Side};
use crate::runtime;

/// The time limit for the start of the children.
const START: Duration = Duration::from_secs(10);
/// The time limit for their end; then they are killed.
const END: Duration = Duration::from_secs(2);

/// The demo's processes and their directory.
pub(crate) struct Tree {
    dir: PathBuf,
    is_temporary: bool,
    config: Config,
    servers: Pair<ChildProcess>,
    gateway: ChildProcess,
    load: ChildProcess,
}

/// One child with the pipe that keeps it alive.
struct ChildProcess {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl Tree {
    /// Starts everything in `dir` (a new temporary directory if `None`) and waits until the gateway answers.
    ///
    /// # Errors
    /// The directory cannot be written or a child does not start, in words.
    pub(crate) async fn start(dir: Option<&Path>, scenario: Scenario, rps: u32) -> Result<Self, String> {
        let (dir, is_temporary) = match dir {
            Some(dir) => (prepare(dir)?, false),
            None => (temporary()?, true),
        };
        data::write_to(&dir)
            .map_err(|error| format!("cannot write the demo's data into {}: {error}", dir.display()))?;
        let (blue, blue_at) = server(Side::Blue).await?;
        let (green, green_at) = server(Side::Green).await?;
        let gateway_at = free_port()?;
        let file = dir.join(CONFIG_FILE);
        let text = demo_config(&dir, &Addresses { blue: blue_at, green: green_at, gateway: gateway_at }, scenario);
        std::fs::write(&file, &text).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        let config = config::load(Some(&file), &|_| None, &dir).map_err(|error| error.to_string())?;
        let mut gateway = spawn(&["-c", &file.to_string_lossy(), "gateway", "--until-stdin-closes"])?;
        wait_for_gateway(&config, &mut gateway).await?;
        let load = spawn(&["demo-load", &format!("http://{gateway_at}"), &rps.to_string()])?;
        let mut tree = Self { dir, is_temporary, config, servers: Pair { blue, green }, gateway, load };
        tree.choose(scenario).await;
        Ok(tree)
    }

    /// The directory with config, sockets, journal and logs.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The config. Every other command can use it on the running demo.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Sets both servers to the modes at the start of a scenario.
    pub(crate) async fn choose(&mut self, scenario: Scenario) {
        let modes = scenario.modes();
        for side in Side::BOTH {
            self.behave(side, modes[side]).await;
        }
    }

    /// Sets the mode of one server.
    pub(crate) async fn behave(&mut self, side: Side, mode: Mode) {
        self.servers[side].say(&format!("behave {mode}\n")).await;
    }

    /// Ends every child and removes a temporary directory.
    pub(crate) async fn stop(self) {
        for kid in [self.load, self.gateway, self.servers.blue, self.servers.green] {
            kid.end().await;
        }
        if self.is_temporary {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

impl ChildProcess {
    async fn say(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(line.as_bytes()).await;
            let _ = stdin.flush().await;
        }
    }

    async fn end(mut self) {
        drop(self.stdin.take());
        if timeout(END, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

fn spawn(arguments: &[&str]) -> Result<ChildProcess, String> {
    let exe = std::env::current_exe().map_err(|error| format!("cannot find our own program: {error}"))?;
    let mut process = Command::new(exe)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Reason: the console handles Ctrl-C, not its children.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", arguments.join(" ")))?;
    let stdin = process.stdin.take();
    Ok(ChildProcess { process, stdin })
}

async fn server(side: Side) -> Result<(ChildProcess, SocketAddr), String> {
    let mut kid = spawn(&["demo-server", side.name(), "0"])?;
    let stdout = kid.process.stdout.take().ok_or("a model server has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let Ok(Ok(Some(first))) = timeout(START, lines.next_line()).await else {
        return Err(format!("{side}'s model server did not start: {}", last_words(&mut kid).await));
    };
    drain(lines.into_inner());
    match serde_json::from_str(&first) {
        Ok(Report::Listening { address, .. }) => Ok((kid, address)),
        _ => Err(format!(
            "{side}'s model server said {:?} instead of its address",
            crate::domain::text::clean(&first, 80)
        )),
    }
}

/// Reads and drops a child's output, so that the child never blocks.
fn drain(mut from: impl tokio::io::AsyncRead + Unpin + Send + 'static) {
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while matches!(from.read(&mut buffer).await, Ok(1..)) {}
    });
}

async fn wait_for_gateway(config: &Config, gateway: &mut ChildProcess) -> Result<(), String> {
    let observer = runtime::connect(config).observer();
    let deadline = Instant::now() + START;
    loop {
        if observer.observe().await.is_ok() {
            break;
        }
        if let Ok(Some(_)) = gateway.process.try_wait() {
            return Err(format!("the gateway did not start: {}", last_words(gateway).await));
        }
        if Instant::now() >= deadline {
            return Err("the gateway did not answer in time".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if let Some(stdout) = gateway.process.stdout.take() {
        drain(stdout);
    }
    if let Some(stderr) = gateway.process.stderr.take() {
        drain(stderr);
    }
    Ok(())
}

async fn last_words(kid: &mut ChildProcess) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = kid.process.stderr.take() {
        let _ = timeout(Duration::from_millis(500), stderr.take(2000).read_to_end(&mut text)).await;
    }
    crate::domain::text::clean(&String::from_utf8_lossy(&text), 300)
}

/// A port that was free a moment ago. The config must name it before the gateway can listen on it.
fn free_port() -> Result<SocketAddr, String> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("no free port on loopback: {error}"))?;
    listener.local_addr().map_err(|error| format!("no free port on loopback: {error}"))
}

/// Prepares a directory that the user named: files of an earlier demo are put aside, so that the scenario starts
/// fresh.
fn prepare(dir: &Path) -> Result<PathBuf, String> {
    let say = |error: std::io::Error| format!("cannot use {}: {error}", dir.display());
    std::fs::create_dir_all(dir).map_err(say)?;
    let dir = dir.canonicalize().map_err(say)?;
    if std::os::unix::net::UnixStream::connect(dir.join(super::settings::SOCKET_FILE)).is_ok() {
        return Err(format!("a demo is running in {}: name another directory", dir.display()));
    }
    let stamp = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
    if dir.join("state").exists() {
        std::fs::rename(dir.join("state"), dir.join(format!("state-{stamp}"))).map_err(say)?;
    }
    for left in ["gateway.json", super::settings::SOCKET_FILE] {
        let _ = std::fs::remove_file(dir.join(left));
    }
    Ok(dir)
}

fn temporary() -> Result<PathBuf, String> {
    let dir = std::env::temp_dir().join(format!("cutover-demo-{:08x}", fastrand::u32(..)));
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
    Ok(dir)
}
