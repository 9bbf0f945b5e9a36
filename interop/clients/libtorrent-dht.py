"""A node of the DHT that is libtorrent's, told what to do by its arguments.

node PORT LISTEN BOOT                       be a node; BOOT is host:port or ""
seed PORT LISTEN BOOT TORRENT DIR           and announce a torrent whose data is in DIR
get  PORT LISTEN BOOT MAGNET DIR            and download a magnet link
put  PORT LISTEN BOOT TEXT                  and have the DHT keep a text
item PORT LISTEN BOOT TARGET                and look for an item until it is there
Prints JSON lines: {"event": "ready"}, {"event": "complete"}, {"event": "stored"}, {"event": "item", "text": ...}.
"""
import json
import sys
import time

import libtorrent as lt


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


mode, port, listen, boot = sys.argv[1:5]
session = lt.session(
    {
        "listen_interfaces": "%s:%s" % (listen, port),
        "dht_bootstrap_nodes": boot,
        "enable_dht": True,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_ignore_dark_internet": False,
        "allow_multiple_connections_per_ip": True,
    }
)
if boot:
    host, _, boot_port = boot.rpartition(":")
    session.add_dht_node((host, int(boot_port)))
say("ready")
if mode in ("seed", "get"):
    if mode == "seed":
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(sys.argv[5])
    else:
        params = lt.parse_magnet_uri(sys.argv[5])
    params.save_path = sys.argv[6]
    params.trackers = []
    handle = session.add_torrent(params)
    announced = 0.0
    while not (mode == "get" and handle.status().is_seeding):
        if time.time() - announced > 3:
            handle.force_dht_announce()
            announced = time.time()
        time.sleep(0.1)
    say("complete")
if mode in ("put", "item"):
    session.apply_settings({"alert_mask": lt.alert.category_t.all_categories})
    asked = 0.0
    is_done = False
    while not is_done:
        if time.time() - asked > 3:
            if mode == "put":
                session.dht_put_immutable_item(sys.argv[5])
            else:
                session.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(sys.argv[5])))
            asked = time.time()
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_put_alert) and alert.num_success > 0:
                say("stored")
                is_done = True
            if isinstance(alert, lt.dht_immutable_item_alert):
                try:
                    text = alert.item["value"].decode()
                except RuntimeError:  # nothing was found
                    continue
                say("item", text=text)
                is_done = True
        time.sleep(0.05)
while True:
    time.sleep(1)
