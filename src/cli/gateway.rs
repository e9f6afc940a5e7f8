//! `gateway`: runs the embedded gateway.

use super::Context;
use super::config_file::load;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use crate::config;
use crate::domain::{Side, Split};
use crate::gateway::{Admin, Gateway, Settings};

/// Runs the embedded gateway until a signal, or until standard input ends if `until_stdin_closes`.
pub(crate) async fn run(context: &mut Context, until_stdin_closes: bool) -> Result<Exit, Failure> {
    let config = load(context)?;
    let mut interrupts = Interrupts::new()?;
    let Some(spec) = &config.gateway else {
        let file = config.file.display();
        return Err(Failure::new(
            Exit::Config,
            format!("{file}: no [gateway] section; add one with listen = \"127.0.0.1:8080\""),
        ));
    };
    let settings = Settings {
        listen: spec.listen,
        admin: match &spec.admin {
            config::AdminAddress::Unix(path) => Admin::Unix(path.clone()),
            config::AdminAddress::Tcp { addr, token } => Admin::Tcp { addr: *addr, token: token.expose().to_owned() },
        },
        state: spec.state.clone(),
        sides: config.service.sides.map(|_, side| side.urls.clone()),
        ready_path: spec.ready_path.clone(),
        initial: Split::all(Side::Blue),
        sample: spec.sample,
    };
    let gateway = Gateway::bind(settings).await.map_err(|error| Failure::error(error.to_string()))?;
    for warning in gateway.warnings() {
        context.out.message(warning);
    }
    context.out.message(&format!("traffic on http://{}, orders on {}", gateway.local_addr(), spec.admin));
    let ended = std::cell::Cell::new(Exit::Reached);
    let shutdown = async {
        tokio::select! {
            exit = interrupts.wait() => ended.set(exit),
            () = stdin_closes(), if until_stdin_closes => {}
        }
    };
    gateway.run(shutdown).await.map_err(|error| Failure::error(error.to_string()))?;
    // Reason: a service that stops on request has not failed.
    Ok(match ended.get() {
        Exit::Int | Exit::Term => Exit::Reached,
        exit => exit,
    })
}

async fn stdin_closes() {
    let (send, closed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = send.send(());
    });
    let _ = closed.await;
}
