//! The demo's own config file, as a user would write it.

use std::net::SocketAddr;
use std::path::Path;

use super::accelerator::Pace;
use super::data::{GOLDEN_FILE, SMOKE_FILE};
use super::scenario::Scenario;
use crate::domain::Side;

/// The config's file name in the demo's directory.
pub const CONFIG_FILE: &str = "cutover.toml";
/// The gateway's admin socket in the demo's directory.
pub(crate) const SOCKET_FILE: &str = "gateway.sock";

/// The addresses of the demo's processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Blue's model server.
    pub blue: SocketAddr,
    /// Green's model server.
    pub green: SocketAddr,
    /// The gateway's traffic port.
    pub gateway: SocketAddr,
}

/// The text of the demo's `cutover.toml`. All its paths are in `dir`.
///
/// The limits are safe on a busy machine: good servers answer in about 10 ms, a slow one takes 300 ms and more.
/// Green's share of the first step, a tenth of 60 requests a second, gives both guards enough samples within five
/// seconds.
pub fn demo_config(dir: &Path, at: &Addresses, scenario: Scenario) -> String {
    let file = |name: &str| quoted(&dir.join(name));
    let workers = Pace::of(Side::Blue).workers;
    let mut text = include_str!("settings/demo.toml").to_owned();
    // Only for the scenario that needs it: eight seconds of load would make all others longer.
    if scenario == Scenario::NarrowGreen {
        text.push_str(include_str!("settings/load.toml"));
    }
    let values = [
        ("{blue}", at.blue.to_string()),
        ("{green}", at.green.to_string()),
        ("{gateway}", at.gateway.to_string()),
        ("{workers}", workers.to_string()),
        ("{scale}", (1.0 / workers as f64).to_string()),
        ("{config}", file(CONFIG_FILE)),
        ("{admin}", file(SOCKET_FILE)),
        ("{state}", file("gateway.json")),
        ("{dir}", file("state")),
        ("{golden}", file(GOLDEN_FILE)),
        ("{smoke}", file(SMOKE_FILE)),
    ];
    values.iter().fold(text, |text, (name, value)| text.replace(name, value))
}

/// A path as a TOML basic string. JSON's escapes are valid in TOML.
fn quoted(path: &Path) -> String {
    serde_json::Value::from(path.to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &str) -> String {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        demo_config(Path::new(dir), &Addresses { blue: at(1), green: at(2), gateway: at(3) }, Scenario::Good)
    }

    #[test]
    fn it_is_toml_whatever_the_directory_is_called() {
        for dir in ["/tmp/demo", "/tmp/a \"quoted\" \\ name", "/tmp/r\u{e9}p\n[x]"] {
            let table: toml::Table = config(dir).parse().unwrap();
            assert_eq!(table["state"]["dir"].as_str().unwrap(), format!("{dir}/state"));
            assert_eq!(table["gate"][1]["cases"].as_str().unwrap(), format!("{dir}/golden.jsonl"));
            assert_eq!(table["blue"]["urls"][0].as_str().unwrap(), "http://127.0.0.1:1");
        }
    }

    #[test]
    fn what_it_asks_of_the_servers_they_export() {
        use crate::demo::accelerator::{Accelerator, Pace};
        let exported = crate::demo::exports::text(&Accelerator::new(Pace::of(Side::Blue)).gauges());
        let table: toml::Table = config("/tmp/demo").parse().unwrap();
        for row in table["metrics"]["row"].as_array().unwrap() {
            let (metric, kind) = (row["metric"].as_str().unwrap(), row["kind"].as_str().unwrap());
            assert!(exported.contains(&format!("# TYPE {metric} {kind}\n{metric} ")), "{metric} is not in {exported}");
        }
        assert_eq!(Pace::of(Side::Blue).workers, Pace::of(Side::Green).workers, "one scale stands for both");
    }

    #[test]
    fn its_limits_are_true_of_the_models() {
        use crate::demo::model::Model;
        let table: toml::Table = config("/tmp/demo").parse().unwrap();
        let least = table["gate"][1]["min_accuracy"].as_float().unwrap();
        for side in Side::BOTH {
            let golden = Model::of(side).unwrap().golden;
            assert!(golden.right as f64 / golden.cases as f64 >= least, "{side}");
            assert!((golden.right_transposed as f64 / golden.cases as f64) < 0.9, "{side}");
        }
    }
}
