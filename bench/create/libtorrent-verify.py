"""Checks files against a torrent with libtorrent and ends.

TORRENT FOLDER THREADS
"""
import sys
import libtorrent as lt

torrent, folder, threads = sys.argv[1:]
session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "hashing_threads": int(threads),
    "alert_mask": lt.alert.category_t.status_notification,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(torrent)
params.save_path = folder
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(params)
while True:
    session.wait_for_alert(1000)
    if any(isinstance(alert, lt.torrent_checked_alert) for alert in session.pop_alerts()):
        break
sys.exit(0 if handle.status().is_seeding else 1)
