"""A node of the DHT that is libtorrent's, told what to do by its arguments.

node PORT LISTEN BOOT                       be a node; BOOT is host:port or ""
seed PORT LISTEN BOOT TORRENT DIR           and announce a torrent whose data is in DIR
get  PORT LISTEN BOOT MAGNET DIR            and download a magnet link
Prints JSON lines: {"event": "ready"}, {"event": "complete"}.
"""
import json
import sys
import time

import libtorrent as lt


def say(event):
    print(json.dumps({"event": event}), flush=True)


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
while True:
    time.sleep(1)
