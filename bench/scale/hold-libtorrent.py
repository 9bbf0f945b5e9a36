"""libtorrent for the scale benchmark: holds torrents. See holder.ts for the lines it reads and writes.

hold-libtorrent.py TORRENT_DIR DATA_DIR MODE    (MODE: verified or trusted)
"""
import json
import os
import resource
import sys
import time

import libtorrent as lt

torrent_dir, data_dir, mode = sys.argv[1:4]
answers = 0


def say(**fields):
    global answers
    answers += 1
    print(json.dumps({"answer": answers, **fields}, separators=(",", ":")), flush=True)


session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification,
    "alert_queue_size": 1_000_000,
    "active_checking": 1000,
    "active_seeds": -1,
    "active_limit": -1,
})
say()
for line in sys.stdin:
    command, first, end = line.split()
    started = time.monotonic()
    left = int(end) - int(first)
    for index in range(int(first), int(end)):
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(os.path.join(torrent_dir, f"{index:05d}.torrent"))
        params.save_path = data_dir
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        if mode == "trusted":
            params.flags |= lt.torrent_flags.seed_mode
        session.async_add_torrent(params)
    seeding = set()
    while len(seeding) < left:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            is_done = isinstance(alert, lt.torrent_finished_alert) or (
                isinstance(alert, lt.state_changed_alert) and str(alert.state) == "seeding")
            if is_done:
                seeding.add(alert.torrent_name)
            elif mode == "trusted" and isinstance(alert, lt.add_torrent_alert):
                # A torrent in seed mode seeds from the start and changes its state no more.
                seeding.add(alert.torrent_name)
    used = resource.getrusage(resource.RUSAGE_SELF)
    say(seconds=time.monotonic() - started, cpuSeconds=used.ru_utime + used.ru_stime)
