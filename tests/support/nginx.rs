//! A real nginx in a directory of its own, with two upstreams that say which they are.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cutover::testing::domain::{Side, Split};
use rustix::process::{Pid, Signal, kill_process};

use super::local::in_time;
use super::signals;

/// The program, where this machine has it.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    dirs.map(|dir| dir.join("nginx")).find(|file| file.is_file())
}

pub struct Server {
    pub dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    /// A running nginx with `split` in force.
    pub fn start(split: Split) -> Self {
        // A socket's path must be short, wherever the tests run.
        let dir = tempfile::Builder::new().prefix("ngx").tempdir_in("/tmp").unwrap();
        let at = dir.path().display();
        let line = match split.share(Side::Green) {
            0 => "* blue;".to_owned(),
            100 => "* green;".to_owned(),
            green => format!("{green}% green; * blue;"),
        };
        let include = format!("split_clients \"${{request_id}}\" $cutover_side {{ {line} }}\n");
        std::fs::write(dir.path().join("split.conf"), include).unwrap();
        // Workers must reach the sockets in a directory of this user's.
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {at}/{name};\n"))
            .join("");
        let side = |side| format!("server {{ listen unix:{at}/{side}.sock; location / {{ return 200 {side}; }} }}\n");
        let conf = format!(
            "{user} worker_processes 2; pid {at}/pid; error_log {at}/error.log notice; daemon off;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; {temp}\
             upstream blue {{ server unix:{at}/blue.sock; }} upstream green {{ server unix:{at}/green.sock; }}\n\
             include {at}/split.conf;\n{}{}\
             server {{ listen unix:{at}/in.sock; location / {{ proxy_pass http://$cutover_side; }} }} }}\n",
            side("blue"),
            side("green"),
        );
        std::fs::write(dir.path().join("nginx.conf"), conf).unwrap();
        let mut server = Self { dir, child: None };
        server.run();
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The `[backend]` that drives it.
    pub fn backend(&self) -> String {
        let (at, program) = (self.dir.path().display(), program().unwrap());
        format!(
            "[backend]\nkind = \"nginx\"\ninclude = \"{at}/split.conf\"\npid = \"{at}/pid\"\n\
             test = [\"{}\", \"-t\", \"-c\", \"{at}/nginx.conf\"]\n",
            program.display()
        )
    }

    pub fn run(&mut self) {
        for name in ["in.sock", "blue.sock", "green.sock", "pid"] {
            let _ = std::fs::remove_file(self.path(name));
        }
        let mut command = Command::new(program().unwrap());
        command.arg("-c").arg(self.path("nginx.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        assert!(in_time(|| self.answers() && self.pid().is_some()), "nginx does not start: {}", self.log());
    }

    /// Whether a worker answers: the master takes connections before it has one.
    fn answers(&self) -> bool {
        let Ok(mut stream) = UnixStream::connect(self.path("in.sock")) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let sent = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
        sent.is_ok() && stream.read(&mut [0; 16]).is_ok_and(|read| read > 0)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("error.log")).unwrap_or_default()
    }

    fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.path("pid")).ok()?.trim().parse().ok()
    }

    /// Stops the master process, until the server is stopped: it takes signals and does nothing.
    pub fn freeze(&self) {
        signals::send(Pid::from_child(self.child.as_ref().unwrap()), Signal::STOP);
    }

    /// Ends it with all its workers.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // A stopped process hears a TERM only once it goes on.
        for signal in [Signal::TERM, Signal::CONT] {
            let _ = kill_process(Pid::from_child(&child), signal);
        }
        if !in_time(|| child.try_wait().is_ok_and(|ended| ended.is_some())) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
