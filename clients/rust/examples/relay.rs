//! Two clients in one relayed match, one on JSON and one on protobuf.
//! Takes the server's address, `http://127.0.0.1:7350` when none is given.

use tagus_client::{Client, Format, Message, Socket};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "shows what happens")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1);
    let url = url.as_deref().unwrap_or("http://127.0.0.1:7350");
    let client = Client::new(url, "defaultkey")?;

    let ana = client
        .authenticate_device("example-relay-ana", true, None)
        .await?;
    let rui = client
        .authenticate_device("example-relay-rui", true, None)
        .await?;
    let mut ana = Socket::connect(&ana, Format::Json, false).await?;
    let mut rui = Socket::connect(&rui, Format::Protobuf, false).await?;

    let room = ana.create_match().await?;
    println!("ana made the match {}", room.match_id);
    rui.join_match(&room.match_id).await?;

    ana.send_match_data(&room.match_id, 1, "olá".into()).await?;
    loop {
        if let Some(Message::MatchData(data)) = rui.next().await?.message {
            let text = String::from_utf8_lossy(&data.data);
            let from = data.presence.unwrap_or_default().username;
            println!("rui hears {text:?} from {from}");
            break;
        }
    }
    ana.close().await?;
    rui.close().await?;
    Ok(())
}
