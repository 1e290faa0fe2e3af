//! Which generation of the interface a gobgpd speaks.

use gobgp_api::v4::GetBgpRequest;
use gobgp_api::v4::go_bgp_service_client::GoBgpServiceClient;
use sark_flowspec::SpeakerError;
use tonic::Code;

use crate::connection::Connection;

/// The generations we can speak; each has its mapping in the module of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// gobgpd 3.x.
    V3,
}

impl Generation {
    /// Asks by calling a method that only generation 4 has.
    pub(crate) async fn find(connection: &Connection) -> Result<Self, SpeakerError> {
        let mut v4 = GoBgpServiceClient::new(connection.channel());
        let answer = async {
            match v4.get_bgp(GetBgpRequest {}).await {
                Ok(_) => Ok(None),
                Err(status) if status.code() == Code::Unimplemented => Ok(Some(Self::V3)),
                Err(status) => Err(status),
            }
        };
        connection.within("GetBgp", answer).await?.ok_or_else(|| SpeakerError::Unsupported {
            at: connection.address().to_string(),
            reason: "it is gobgpd 4.x, which is not yet supported: run gobgpd 3.x".to_owned(),
        })
    }
}
