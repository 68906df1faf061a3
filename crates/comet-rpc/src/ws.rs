//! The websocket of the RPC: all methods, and subscriptions to events (wire.md 4.3).
//!
//! Promises: answers and events of one subscription come in order; events repeat the id of their `subscribe`; a silent
//! socket is pinged and, if it stays silent, closed; on stopping every subscriber is told.
//! Refuses: batches, messages over the limit, more websockets, clients and subscriptions than configured. A client that
//! reads too slowly loses its subscriptions, never the node its pace: one frame at a time is made for it, and what waits
//! behind that is shared with the others and bounded (`event_bus`).

use crate::envelope::{Id, Request, RpcError, read_one, respond};
use crate::event_bus::{Ended, Feed};
use crate::events::{self, BlockEvents};
use crate::params::{Kind, Params};
use crate::query_lang::Query;
use crate::{http::call_json, server::Rpc};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts as _, Request as HttpRequest};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use strongroom_http::Peer;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

/// How long a frame waits for room among what is not read yet.
const ROOM_WAITS: Duration = Duration::from_secs(10);
/// Why subscriptions end when the node stops. Clients know this text.
const STOPPED: &str = "subscription was canceled (reason: CometBFT exited)";
/// Why subscriptions end when a client reads too slowly.
const TOO_SLOW: &str =
    "subscription was canceled (reason: client is not pulling messages fast enough)";

/// `/websocket`.
pub(crate) async fn upgrade(server: Arc<Rpc>, request: HttpRequest) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<Peer>().cloned();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let (Ok(upgrade), Some(peer)) = (upgrade, peer) else {
        let headers = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        return (StatusCode::BAD_REQUEST, headers, "Bad Request\n").into_response();
    };
    let config = &server.context.config;
    let Ok(place) = Arc::clone(&server.websockets).try_acquire_owned() else {
        let max = config.websockets_max;
        let text = format!("websockets_max {max} reached, try again later\n");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    let max = config.body_bytes_max;
    upgrade
        .max_message_size(max)
        .max_frame_size(max)
        .on_upgrade(move |socket| {
            let connection = Connection {
                socket,
                peer,
                _place: place,
            };
            Client::run(server, connection)
        })
}

/// The socket, and what it holds.
struct Connection {
    socket: WebSocket,
    peer: Peer,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn send(&mut self, message: Message) -> Result<(), Disconnected> {
        // The listener ends a connection whose peer does not read.
        self.socket.send(message).await.map_err(|_| Disconnected)
    }

    /// Says what two texts make together: they are put together when there is room for it.
    async fn say(&mut self, head: &str, tail: &str) -> Result<(), Disconnected> {
        let bytes = head.len().saturating_add(tail.len());
        let Ok(_room) = timeout(ROOM_WAITS, self.peer.room(bytes)).await else {
            return Err(Disconnected);
        };
        self.send(Message::Text([head, tail].concat().into())).await
    }
}

struct Subscription {
    query: Query,
    /// Beginning of its frames: its id, and the query as the client wrote it.
    head: String,
    id: Id,
}

/// One of the places for clients with subscriptions; free again when dropped.
struct SubscriberSlot(Arc<Rpc>);

impl SubscriberSlot {
    fn take(server: &Arc<Rpc>) -> Result<Self, RpcError> {
        let max = server.context.config.subscription_clients_max;
        let free = |taken: usize| (taken < max).then_some(taken.saturating_add(1));
        let clients: &AtomicUsize = &server.subscribed_clients;
        match clients.fetch_update(Ordering::AcqRel, Ordering::Acquire, free) {
            Ok(_) => Ok(Self(Arc::clone(server))),
            Err(_) => Err(RpcError::internal(format!(
                "max_subscription_clients {max} reached"
            ))),
        }
    }
}

impl Drop for SubscriberSlot {
    fn drop(&mut self) {
        self.0.subscribed_clients.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The connection is over; nothing more can be sent.
struct Disconnected;

struct Client {
    server: Arc<Rpc>,
    connection: Connection,
    subscriptions: Vec<Subscription>,
    /// The events, and the place among the clients that have any.
    feed: Option<(Feed, SubscriberSlot)>,
}

/// The next block's events, or never if there is no subscription.
async fn next_events(feed: &mut Option<(Feed, SubscriberSlot)>) -> Result<Arc<BlockEvents>, Ended> {
    match feed {
        Some((feed, _)) => feed.next().await,
        None => core::future::pending().await,
    }
}

impl Client {
    async fn run(server: Arc<Rpc>, connection: Connection) {
        let mut client = Self {
            server,
            connection,
            subscriptions: Vec::new(),
            feed: None,
        };
        // An error says that the peer is gone: there is nobody to tell.
        let _ = client.serve().await;
    }

    async fn serve(&mut self) -> Result<(), Disconnected> {
        let config = Arc::clone(&self.server.context.config);
        let peer = self.connection.peer.clone();
        let stopped = peer.stopped();
        tokio::pin!(stopped);
        let mut ping = interval_at(Instant::now() + config.ping_every, config.ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                () = &mut stopped => {
                    self.end_subscriptions(STOPPED).await?;
                    return self.connection.send(Message::Close(None)).await;
                }
                _ = ping.tick() => {
                    if heard.elapsed() > config.silence_max {
                        return Ok(());
                    }
                    self.connection.send(Message::Ping(Default::default())).await?;
                }
                message = self.connection.socket.recv() => {
                    let Some(Ok(message)) = message else { return Ok(()) };
                    match message {
                        Message::Text(text) => self.take(text.as_bytes()).await?,
                        Message::Binary(bytes) => self.take(&bytes).await?,
                        // The library answers pings and closing.
                        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
                    }
                    self.connection.peer.clear();
                    heard = Instant::now();
                }
                events = next_events(&mut self.feed) => match events {
                    Ok(events) => {
                        let began = Instant::now();
                        self.forward(&events).await?;
                        // While a slow line takes long frames, nobody listens: that is no silence.
                        heard += began.elapsed();
                    }
                    Err(Ended::TooSlow) => self.end_subscriptions(TOO_SLOW).await?,
                    Err(Ended::Stopped) => self.end_subscriptions(STOPPED).await?,
                },
            }
        }
    }

    async fn say(&mut self, text: String) -> Result<(), Disconnected> {
        self.connection.say(&text, "").await
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), Disconnected> {
        let request = match read_one(bytes) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) => return self.say(respond(None, Err(&error))).await,
        };
        let Some(id) = request.id.clone() else {
            return Ok(());
        };
        let outcome = match request.method.as_str() {
            "subscribe" => self.subscribe(&id, &request),
            "unsubscribe" => self.unsubscribe(&request),
            "unsubscribe_all" => self.unsubscribe_all(),
            _ => {
                let answer = call_json(&self.server, request).await;
                // Answers are made before anybody knows how long they are: they do not wait for room.
                let Some(_room) = self.connection.peer.room_now(answer.len()) else {
                    let busy = RpcError::internal(
                        "too many answers wait to be read, and this one is lost: what was asked may be done, try again",
                    );
                    return self.say(respond(Some(&id), Err(&busy))).await;
                };
                return self.connection.send(Message::Text(answer.into())).await;
            }
        };
        let answer = match &outcome {
            Ok(()) => respond(Some(&id), Ok("{}")),
            // CometBFT loses the id when it calls a method without any params.
            Err(error) if request.params.is_none() && request.method != "unsubscribe_all" => {
                respond(Some(&Id::Number(-1)), Err(error))
            }
            Err(error) => respond(Some(&id), Err(error)),
        };
        self.say(answer).await
    }

    fn query_of(request: &Request) -> Result<(String, Query), RpcError> {
        let params = Params::from_json(&[("query", Kind::Text)], request.params.as_ref())
            .map_err(|error| RpcError::internal(error.data))?;
        let text = params.text("query").to_owned();
        let query = Query::parse(&text).map_err(|error| match error {
            crate::query_lang::QueryError::TooLong => RpcError::internal(error.to_string()),
            error => RpcError::internal(format!("failed to parse query: {error}")),
        })?;
        Ok((text, query))
    }

    fn subscribe(&mut self, id: &Id, request: &Request) -> Result<(), RpcError> {
        let max = self.server.context.config.subscriptions_per_client_max;
        if self.subscriptions.len() >= max {
            return Err(RpcError::internal(format!(
                "max_subscriptions_per_client {max} reached"
            )));
        }
        let place = if self.feed.is_none() {
            Some(SubscriberSlot::take(&self.server)?)
        } else {
            None
        };
        let (text, query) = Self::query_of(request)?;
        if self.subscriptions.iter().any(|known| known.query == query) {
            return Err(RpcError::internal("already subscribed"));
        }
        if let Some(place) = place {
            let feed = self.server.context.backend.events.subscribe();
            self.feed = Some((feed, place));
        }
        self.subscriptions.push(Subscription {
            query,
            head: events::head(id, &text),
            id: id.clone(),
        });
        Ok(())
    }

    fn unsubscribe(&mut self, request: &Request) -> Result<(), RpcError> {
        let (_, query) = Self::query_of(request)?;
        let Some(at) = self
            .subscriptions
            .iter()
            .position(|known| known.query == query)
        else {
            return Err(RpcError::internal("subscription not found"));
        };
        self.subscriptions.remove(at);
        self.rest_if_idle();
        Ok(())
    }

    fn unsubscribe_all(&mut self) -> Result<(), RpcError> {
        if self.subscriptions.is_empty() {
            return Err(RpcError::internal("subscription not found"));
        }
        self.subscriptions.clear();
        self.rest_if_idle();
        Ok(())
    }

    fn rest_if_idle(&mut self) {
        if self.subscriptions.is_empty() {
            self.feed = None;
        }
    }

    async fn forward(&mut self, block: &BlockEvents) -> Result<(), Disconnected> {
        for event in block.iter() {
            for subscription in &self.subscriptions {
                if subscription.query.matches(event.pairs())
                    && let Some(tail) = block.tail(event)
                {
                    self.connection.say(&subscription.head, tail).await?;
                }
            }
        }
        Ok(())
    }

    async fn end_subscriptions(&mut self, why: &str) -> Result<(), Disconnected> {
        let ended = core::mem::take(&mut self.subscriptions);
        self.feed = None;
        for subscription in ended {
            self.say(respond(Some(&subscription.id), Err(&RpcError::server(why))))
                .await?;
        }
        Ok(())
    }
}
