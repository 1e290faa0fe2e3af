//! The calls of generation 3.

use std::net::IpAddr;
use std::pin::pin;

use futures::stream::{self, BoxStream, StreamExt};
use gobgp_api::v3 as api;
use gobgp_api::v3::gobgp_api_client::GobgpApiClient;
use gobgp_api::v3::watch_event_request::{Peer, Table, table};
use sark_flowspec::{Afi, Observed, PeerStatus, SpeakerError, SpeakerEvent};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::{decode, encode};
use crate::BestPath;
use crate::connection::{Connection, MAX_MESSAGE};

/// Paths in one message of a bulk announcement: large enough for gobgpd to be the slower side,
/// small enough for a refused path to take few others with it.
pub const CHUNK: usize = 250;
/// Notices that are put together when they are there at once.
const COALESCE: usize = 1000;

type Client = GobgpApiClient<Channel>;

pub(crate) fn client(connection: &Connection) -> Client {
    GobgpApiClient::new(connection.channel())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
}

pub(crate) async fn get_bgp(connection: &Connection) -> Result<api::Global, SpeakerError> {
    let mut client = client(connection);
    let answer = connection.within("GetBgp", client.get_bgp(api::GetBgpRequest {})).await?;
    Ok(answer.into_inner().global.unwrap_or_default())
}

/// Announces and withdraws, as the paths say. Maps a chunk while gobgpd works on the one before.
pub(crate) async fn send<T>(
    connection: &Connection,
    items: &[T],
    path: impl Fn(&T) -> api::Path,
) -> Result<(), SpeakerError> {
    const CALL: &str = "AddPathStream";
    if items.is_empty() {
        return Ok(());
    }
    // Full: the mapping waits until gobgpd has taken a chunk.
    let (chunks, receiver) = mpsc::channel(2);
    let mut client = client(connection);
    let mut answer = pin!(client.add_path_stream(ReceiverStream::new(receiver)));
    for chunk in items.chunks(CHUNK) {
        let request = api::AddPathStreamRequest {
            table_type: api::TableType::Global.into(),
            vrf_id: String::new(),
            paths: chunk.iter().map(&path).collect(),
        };
        tokio::select! {
            // Before the end only a failure is answered.
            answer = &mut answer => return Err(match answer {
                Err(status) => connection.error(CALL, status),
                Ok(_) => SpeakerError::Answer {
                    call: CALL,
                    message: "it answered before all was sent".to_owned(),
                },
            }),
            sent = tokio::time::timeout(connection.timeout(), chunks.send(request)) => match sent {
                // A closed channel: the answer above says why.
                Ok(Ok(()) | Err(_)) => {}
                Err(_) => return Err(connection.silence(CALL)),
            },
        }
    }
    drop(chunks);
    connection.within(CALL, answer).await.map(|_| ())
}

/// One family's table, local and learned paths.
pub(crate) async fn table(
    connection: &Connection,
    afi: Afi,
) -> Result<Vec<Observed>, SpeakerError> {
    list(connection, afi, all, decode::observed).await
}

/// One family's best paths, one for each NLRI that has a usable path.
pub(crate) async fn best(connection: &Connection, afi: Afi) -> Result<Vec<BestPath>, SpeakerError> {
    list(connection, afi, first_best, decode::best).await
}

fn all(destination: &api::Destination) -> &[api::Path] {
    &destination.paths
}

/// With multipath several are best; all of them would be two orders for the same packets.
fn first_best(destination: &api::Destination) -> &[api::Path] {
    let usable = |path: &api::Path| path.best && !path.is_nexthop_invalid && !path.filtered;
    let first = destination.paths.iter().position(usable);
    first.and_then(|first| destination.paths.get(first..=first)).unwrap_or_default()
}

async fn list<T>(
    connection: &Connection,
    afi: Afi,
    paths: fn(&api::Destination) -> &[api::Path],
    decode: impl Fn(Afi, &api::Path) -> Result<T, String>,
) -> Result<Vec<T>, SpeakerError> {
    const CALL: &str = "ListPath";
    let mut client = client(connection);
    let request = api::ListPathRequest {
        table_type: api::TableType::Global.into(),
        family: Some(encode::family(afi)),
        enable_nlri_binary: true,
        enable_attribute_binary: true,
        enable_only_binary: true,
        ..api::ListPathRequest::default()
    };
    let mut answers = connection.within(CALL, client.list_path(request)).await?.into_inner();
    let mut table = Vec::new();
    while let Some(answer) = connection.within(CALL, answers.message()).await? {
        for path in answer.destination.iter().flat_map(paths) {
            let path = decode(afi, path)
                .map_err(|message| SpeakerError::Answer { call: CALL, message })?;
            table.push(path);
        }
    }
    Ok(table)
}

pub(crate) async fn list_peer(connection: &Connection) -> Result<Vec<api::Peer>, SpeakerError> {
    const CALL: &str = "ListPeer";
    let mut client = client(connection);
    let request = api::ListPeerRequest { address: String::new(), enable_advertised: true };
    let mut answers = connection.within(CALL, client.list_peer(request)).await?.into_inner();
    let mut peers = Vec::new();
    while let Some(answer) = connection.within(CALL, answers.message()).await? {
        peers.extend(answer.peer);
    }
    Ok(peers)
}

pub(crate) async fn peers(connection: &Connection) -> Result<Vec<PeerStatus>, SpeakerError> {
    Ok(list_peer(connection).await?.iter().filter_map(decode::peer).collect())
}

/// Watches the best paths and the sessions. Returns when gobgpd has said that it watches, so
/// nothing that happens afterwards is missed.
pub(crate) async fn watch(
    connection: &Connection,
) -> Result<BoxStream<'static, SpeakerEvent>, SpeakerError> {
    const CALL: &str = "WatchEvent";
    let filter = table::Filter { r#type: table::filter::Type::Best.into(), init: false };
    let request = api::WatchEventRequest {
        peer: Some(Peer {}),
        table: Some(Table { filters: vec![filter] }),
    };
    let mut client = client(connection);
    let mut notices = connection.within(CALL, client.watch_event(request)).await?.into_inner();
    loop {
        match connection.within(CALL, notices.message()).await? {
            Some(notice) if decode::is_end_of_init(&notice) => break,
            Some(_) => {}
            None => {
                return Err(SpeakerError::Answer {
                    call: CALL,
                    message: "it ended at once".to_owned(),
                });
            }
        }
    }
    Ok(stream::unfold(notices, |mut notices| async move {
        let events = next_events(&mut notices).await?;
        Some((stream::iter(events), notices))
    })
    .flatten()
    .boxed())
}

/// What has come together, each event once; `None` at the end.
async fn next_events(
    notices: &mut Streaming<api::WatchEventResponse>,
) -> Option<Vec<SpeakerEvent>> {
    use futures::FutureExt;
    let mut events = decode::event(&notices.message().await.ok()??);
    for _ in 0..COALESCE {
        // An end or an error comes again at the next call.
        let Some(Some(Ok(notice))) = notices.next().now_or_never() else { break };
        for event in decode::event(&notice) {
            if !events.contains(&event) {
                events.push(event);
            }
        }
    }
    Some(events)
}

/// Configures a daemon that has just started.
pub(crate) async fn start_bgp(
    connection: &Connection,
    global: api::Global,
) -> Result<(), SpeakerError> {
    let mut client = client(connection);
    let request = api::StartBgpRequest { global: Some(global) };
    connection.within("StartBgp", client.start_bgp(request)).await.map(|_| ())
}

pub(crate) async fn stop_bgp(connection: &Connection) -> Result<(), SpeakerError> {
    let mut client = client(connection);
    connection.within("StopBgp", client.stop_bgp(api::StopBgpRequest {})).await.map(|_| ())
}

pub(crate) async fn add_peer(connection: &Connection, peer: api::Peer) -> Result<(), SpeakerError> {
    let mut client = client(connection);
    let request = api::AddPeerRequest { peer: Some(peer) };
    connection.within("AddPeer", client.add_peer(request)).await.map(|_| ())
}

pub(crate) async fn delete_peer(
    connection: &Connection,
    address: IpAddr,
) -> Result<(), SpeakerError> {
    let mut client = client(connection);
    let request = api::DeletePeerRequest { address: address.to_string(), interface: String::new() };
    connection.within("DeletePeer", client.delete_peer(request)).await.map(|_| ())
}
