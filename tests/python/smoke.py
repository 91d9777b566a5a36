"""A published Python SDK, unmodified, against a running server: login, account, storage, friends, chat, a match."""

import asyncio
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import uuid

from nakama import NakamaClient, NakamaSocket

START_S_MAX = 20
ANSWER_S_MAX = 5


class Server:
    """A server of this build on free ports, with a folder of its own."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tagus-test-")
        folder = pathlib.Path(self.folder.name)
        ready = folder / "ready.json"
        ports = ["--http-port", "0", "--admin-port", "0", "--tcp-port", "0"]
        binary = pathlib.Path(os.environ["SERVER_BINARIES"]) / "tagus"
        settings = {k: v for k, v in os.environ.items() if not k.startswith("TAGUS_")}
        self.process = subprocess.Popen(
            [binary, "serve", *ports, "--data", folder / "data", "--ready-file", ready],
            stdout=subprocess.DEVNULL,
            env=settings,
        )
        deadline = time.monotonic() + START_S_MAX
        while not ready.exists():
            assert self.process.poll() is None, "the server ended early"
            assert time.monotonic() < deadline, "the server is not ready"
            time.sleep(0.01)
        host, port = json.loads(ready.read_text())["http"].rsplit(":", 1)
        self.address = (host, int(port))
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=15)
        self.folder.cleanup()


class Player:
    """A player with a socket, and everything that was pushed to it."""

    @classmethod
    async def join(cls, address):
        player = cls()
        player.client = NakamaClient(*address, "defaultkey")
        name = f"python-{uuid.uuid4().hex}"
        tokens = await player.client.account.authenticate.device(
            f"device-{uuid.uuid4()}", create=True, username=name
        )
        assert tokens["created"] is True, tokens
        player.client.session.set_token(tokens["token"])
        player.client.session.set_refresh_token(tokens["refresh_token"])
        assert player.client.session.username == name
        player.socket = NakamaSocket(player.client)
        player.messages = asyncio.Queue()
        player.presences = asyncio.Queue()
        player.socket.handlers.set_channel_message_handler(player.messages.put)
        player.socket.handlers.set_match_presence_handler(player.presences.put)
        await player.socket.connect()
        return player

    async def leave(self):
        await self.socket.close()
        await self.client.close()


async def within(answer):
    return await asyncio.wait_for(answer, ANSWER_S_MAX)


async def play(address):
    one, other = await Player.join(address), await Player.join(address)

    account = await one.client.account.get()
    assert account["user"]["username"] == one.client.session.username, account
    await one.client.account.update(display_name="Snake", lang_tag="pt")
    assert (await one.client.account.get())["user"]["display_name"] == "Snake"
    refreshed = await one.client.session.refresh()
    # The SDK sends the session token where the protocol wants the server key.
    assert refreshed["code"] == 16 or "token" in refreshed, refreshed

    objects = await one.client.storage.read([{"collection": "none", "key": "none"}])
    assert objects == {}, objects
    await one.client.friends.add(user_ids=other.client.session.user_id)
    friends = await other.client.friends.list()
    assert friends["friends"][0]["user"]["id"] == one.client.session.user_id, friends

    channels = [await within(p.socket.channel.join("python", 1, True, False)) for p in (one, other)]
    channel = channels[0]["channel"]["id"]
    ack = await within(one.socket.channel.send_message(channel, '{"hiss":1}'))
    assert ack["channel_message_ack"]["channel_id"] == channel, ack
    heard = await within(other.messages.get())
    assert json.loads(heard["content"]) == {"hiss": 1}, heard

    match = (await within(one.socket.match.create()))["match"]
    joined = (await within(other.socket.match.join(match["match_id"])))["match"]
    assert joined["size"] == 2, joined
    event = await within(one.presences.get())
    assert event["match_id"] == match["match_id"], event
    await within(other.socket.match.leave(match["match_id"]))

    await one.leave()
    await other.leave()


def main():
    with Server() as server:
        asyncio.run(play(server.address))
    print("the Python SDK logs in, befriends, chats and plays")


if __name__ == "__main__":
    sys.exit(main())
