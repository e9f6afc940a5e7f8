//! A real Caddy, whose handler is replaced through its admin interface.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use cutover::testing::backend::TrafficBackend;
use cutover::testing::domain::Split;
use cutover::testing::runtime;

use crate::relay::{At, Relay, http};
use crate::rig::{Rig, Trouble};
use crate::support::local::config;
use crate::support::program::{need, program};

use crate::support::caddy as server;

use server::{Server, Start};

pub struct Patched {
    server: Server,
    origin: Option<&'static str>,
}

impl Patched {
    /// Somebody else on Caddy's socket, who always says the same.
    fn impostor(&mut self, answer: &'static str) {
        self.server.kill();
        let _ = std::fs::remove_file(self.server.path("admin.sock"));
        let listener = UnixListener::bind(self.server.path("admin.sock")).unwrap();
        std::thread::spawn(move || {
            // Ends with the test's process; each caller is one of this test's few calls.
            while let Ok((mut stream, _)) = listener.accept() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
    }
}

impl Rig for Patched {
    fn is_there(test: &str) -> bool {
        need(test, "caddy").is_some()
    }

    async fn start(split: Split) -> Self {
        Self { server: Server::start(program("caddy").unwrap(), split), origin: None }
    }

    fn backend(&self) -> Arc<dyn TrafficBackend> {
        let origin = self.origin.map(|origin| format!("origin = \"{origin}\"\n")).unwrap_or_default();
        runtime::connect(&config(&format!("{}{origin}", self.server.backend()), self.server.dir.path()))
    }

    async fn relayed(&self) -> Option<(Relay, Arc<dyn TrafficBackend>)> {
        let real = At::Unix(self.server.path("admin.sock"));
        let relay = Relay::before(real, |bytes| http("PATCH ", bytes)).await;
        let At::Unix(at) = &relay.at else { return None };
        let toml = self
            .server
            .backend()
            .replace(&self.server.path("admin.sock").display().to_string(), &at.display().to_string());
        let backend = runtime::connect(&config(&toml, self.server.dir.path()));
        Some((relay, backend))
    }

    async fn trouble(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Down => self.server.kill(),
            Trouble::Silent => self.server.freeze(),
            Trouble::Html => {
                self.impostor(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>",
                );
            }
            Trouble::CutOff => self.impostor(
                "HTTP/1.1 200 OK\r\netag: \"/config/a 1\"\r\ncontent-length: 500\r\n\r\n{\"handler\":\"reverse_pr",
            ),
            // Caddy knows no passwords: where a call comes from is all it asks.
            Trouble::WrongCredentials => {
                self.server.kill();
                self.server.set_start(Start { origin: Some("http://console".into()), ..Start::default() });
                self.server.write(&self.server.handler(Split::all(cutover::testing::domain::Side::Blue)));
                self.server.run();
                self.origin = Some("http://elsewhere");
            }
            // One change of one process: it is there or it is not.
            Trouble::HalfApplied => return false,
        }
        true
    }

    async fn restart(&mut self) -> bool {
        self.server.kill();
        self.server.run();
        true
    }
}
