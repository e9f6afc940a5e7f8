//! The path of one request through the gateway.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Version};

use super::body::{AnswerBody, Content, Relayed};
use super::clients::Client;
use super::headers;
use super::link::{Broken, Link, look_at_sockets};
use super::replica::Replica;
use super::samples::ClientBody;
use super::shared::Shared;
use super::side::Flight;
use super::tunnel;

/// A connection that was idle for longer is checked once more before use.
const COLD: Duration = Duration::from_millis(50);

/// Answers a client's request with a replica's answer, or with the reason why no replica answered.
pub(super) async fn handle(
    client: Arc<Client>,
    mut request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let busy = client.begin();
    if let Err((status, reason)) = headers::check(&request) {
        return Ok(text(status, format!("{reason}\n")).map(|content| AnswerBody::new(content, busy)));
    }
    let shared = &client.shared;
    let upgrade = headers::wanted_upgrade(request.headers());
    let upgraded = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let place = Arc::clone(&shared.sides[shared.control.pick()]);
    let mut flight = Flight::begin(place);
    let draft = shared.samples.as_ref().filter(|_| upgrade.is_none()).and_then(|samples| samples.begin(&request));
    let request = request.map(|body| ClientBody::new(body, draft.as_ref()));
    let response = match send(&mut flight, request, &client.address, upgrade.as_ref()).await {
        Ok((response, link)) => {
            if let (Some(samples), Some(draft)) = (&shared.samples, draft) {
                samples.keep(draft, &response);
            }
            relay(shared, flight, response, link, upgraded)
        }
        Err(failure) => {
            flight.no_answer();
            let (status, what) = failure.told();
            text(status, format!("{} {what}\n", flight.place().side))
        }
    };
    Ok(response.map(|content| AnswerBody::new(content, busy)))
}

/// Why no replica answered.
enum Failure {
    /// No replica accepts connections; the last error.
    NoConnection(io::Error),
    /// The request was sent, but no valid answer came.
    NoAnswer,
}

impl Failure {
    fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoConnection(error) if error.kind() == io::ErrorKind::TimedOut => {
                (StatusCode::GATEWAY_TIMEOUT, "has no replica that accepts a connection in time")
            }
            Self::NoConnection(_) => (StatusCode::SERVICE_UNAVAILABLE, "has no replica that accepts a connection"),
            Self::NoAnswer => (StatusCode::BAD_GATEWAY, "gave no valid answer; the request is not sent again"),
        }
    }
}

/// Sends the request to a replica of the side. Tries another one only if nothing was sent.
async fn send(
    flight: &mut Flight,
    request: Request<ClientBody>,
    peer: &HeaderValue,
    upgrade: Option<&HeaderValue>,
) -> Result<(Response<Incoming>, Link), Failure> {
    let mut tried = Vec::new();
    let mut last = io::Error::from(io::ErrorKind::NotConnected);
    let mut request = request;
    // Replicas may have different bases, so the original target is kept if there are several.
    let original = (flight.place().replicas.len() > 1).then(|| request.uri().clone());
    let mut prepared = false;
    while let Some(index) = flight.place().choose(&tried) {
        flight.board(index);
        if prepared {
            flight.retried();
            if let Some(uri) = &original {
                *request.uri_mut() = uri.clone();
            }
            headers::readdress(&mut request, &flight.replica().target);
        } else {
            headers::forward(&mut request, &flight.replica().target, peer, upgrade);
            prepared = true;
        }
        match attempt(flight, request, upgrade.is_some()).await {
            Ok(answer) => return Ok(answer),
            Err(Missed::Sent) => return Err(Failure::NoAnswer),
            Err(Missed::Unsent(back, error)) => {
                flight.replica().refused();
                request = *back;
                last = error;
                tried.push(index);
            }
        }
    }
    Err(Failure::NoConnection(last))
}

/// How a try at one replica failed.
enum Missed {
    /// Nothing was sent: the request and the error.
    Unsent(Box<Request<ClientBody>>, io::Error),
    /// Something was sent.
    Sent,
}

async fn attempt(
    flight: &Flight,
    mut request: Request<ClientBody>,
    upgrade: bool,
) -> Result<(Response<Incoming>, Link), Missed> {
    while !upgrade && let Some(mut link) = idle(flight.replica()).await {
        match link.exchange(request).await {
            Ok(response) => return Ok((response, link)),
            Err(Broken::Sent) => return Err(Missed::Sent),
            Err(Broken::Unsent(back)) => {
                request = *back;
                flight.retried();
            }
        }
    }
    let opened = async {
        let stream = flight.replica().target.connect().await?;
        let link = if upgrade { Link::open_for_upgrade(stream).await } else { Link::open(stream).await };
        link.map_err(io::Error::other)
    };
    let mut link = match opened.await {
        Ok(link) => link,
        Err(error) => return Err(Missed::Unsent(Box::new(request), error)),
    };
    match link.exchange(request).await {
        Ok(response) => Ok((response, link)),
        Err(Broken::Sent) => Err(Missed::Sent),
        Err(Broken::Unsent(back)) => Err(Missed::Unsent(back, io::ErrorKind::ConnectionReset.into())),
    }
}

async fn idle(replica: &Replica) -> Option<Link> {
    let (link, age) = replica.take_idle()?;
    if age > COLD {
        look_at_sockets().await;
    }
    Some(link)
}

/// Turns the replica's answer into the gateway's answer.
fn relay(
    shared: &Arc<Shared>,
    mut flight: Flight,
    mut response: Response<Incoming>,
    link: Link,
    client: Option<OnUpgrade>,
) -> Response<Content> {
    flight.answered(response.status().as_u16());
    *response.version_mut() = Version::HTTP_11;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return match client {
            Some(client) => tunnel::open(shared, flight, response, client),
            None => text(StatusCode::BAD_GATEWAY, format!("{} switched protocols unasked\n", flight.place().side)),
        };
    }
    headers::strip(response.headers_mut());
    response.map(|body| Content::Relayed(Relayed::new(body, link, flight)))
}

/// A short answer from the gateway itself.
fn text(status: StatusCode, text: String) -> Response<Content> {
    let mut response = Response::new(Content::Text(Some(Bytes::from(text))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, const { HeaderValue::from_static("text/plain; charset=utf-8") });
    response
}
