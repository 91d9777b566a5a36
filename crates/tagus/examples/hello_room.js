// Logs in as a guest, joins the room "hello", sends clicks, shows what the server counted.
const counts = document.getElementById('counts');
const button = document.getElementById('click');
const login = await fetch('/v2/account/authenticate/device', {
  method: 'POST',
  headers: { authorization: `Basic ${btoa('defaultkey:')}` },
  body: JSON.stringify({ id: `guest-${Math.random().toString(36).slice(2).padEnd(10, '0')}` }),
});
const { token } = await login.json();
const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws?token=${token}`);
let matchId = '';
socket.onopen = () => socket.send(JSON.stringify({ cid: '1', match_join: { match_id: 'hello' } }));
socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.match) {
    matchId = message.match.match_id;
    button.disabled = false;
  }
  if (message.match_data) {
    counts.textContent = atob(message.match_data.data);
  }
};
socket.onclose = () => { counts.textContent = 'connection lost: reload to come back'; };
button.onclick = () => socket.send(JSON.stringify({ match_data_send: { match_id: matchId, op_code: '1', data: '' } }));
