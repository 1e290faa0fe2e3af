//! A gobgpd of generation 4 is recognised and refused.

use gobgp_api::v4::go_bgp_service_server::{GoBgpService, GoBgpServiceServer};
use gobgp_api::v4::{GetBgpRequest, GetBgpResponse, Global};
use sark_flowspec::{Speaker, SpeakerError};
use sark_gobgp::{Address, Config, Gobgp};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

struct Four;

#[tonic::async_trait]
impl GoBgpService for Four {
    async fn get_bgp(&self, _: Request<GetBgpRequest>) -> Result<Response<GetBgpResponse>, Status> {
        let global = Global { asn: 64512, router_id: "192.0.2.1".to_owned() };
        Ok(Response::new(GetBgpResponse { global: Some(global) }))
    }
}

#[tokio::test]
async fn generation_4_is_named() {
    let directory = crate::process::directory();
    let socket = directory.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = Server::builder()
        .add_service(GoBgpServiceServer::new(Four))
        .serve_with_incoming(UnixListenerStream::new(listener));
    let speaker = Gobgp::new(&Config::new(Address::Unix(socket)));
    let asked = async { (speaker.info().await, speaker.withdraw(&[]).await) };
    let (info, withdraw) = tokio::select! {
        ended = server => panic!("the server ended: {ended:?}"),
        answers = asked => answers,
    };
    for error in [info.unwrap_err(), withdraw.unwrap_err()] {
        assert!(matches!(error, SpeakerError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("4.x"), "{error}");
    }
}
