//! A server over UDP for what unbound does not do when told: fail for one type of record only, and
//! say that data is secure.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Ends when dropped.
pub struct Scripted {
    pub at: SocketAddr,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Any name has an address of each family, all of it secure for who asks whether it is; for
    /// these types it fails.
    pub async fn failing(kinds: &[RecordType]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let kinds = kinds.to_vec();
        let task = tokio::spawn(async move {
            let mut octets = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut octets).await.unwrap();
                let answer = answer(&Message::from_vec(&octets[..length]).unwrap(), &kinds);
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        Self { at, task }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(asked: &Message, failing: &[RecordType]) -> Message {
    let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
    answer.metadata.authentic_data = asked.metadata.authentic_data;
    answer.metadata.recursion_available = true;
    let query = asked.queries[0].clone();
    let name = query.name().clone();
    let data = match query.query_type() {
        kind if failing.contains(&kind) => {
            answer.metadata.response_code = ResponseCode::ServFail;
            None
        }
        RecordType::A => Some(RData::A(Ipv4Addr::new(192, 0, 2, 8).into())),
        RecordType::AAAA => {
            Some(RData::AAAA(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 8).into()))
        }
        _ => None,
    };
    answer.add_query(query);
    answer.add_answers(data.map(|data| Record::from_rdata(name, 300, data)));
    answer
}
