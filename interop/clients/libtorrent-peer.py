"""libtorrent for the interoperability tests: share or fetch a torrent, make one, or describe one. One JSON object a line.

run SOURCE DATA_DIR PORT LISTEN UPLOAD_BYTES_PER_SECOND [PEER...]    (0: no limit; nothing: gives no byte)
run-lsd ...                                                          (the same, with local discovery)
create PATH OUT FORMAT PIECE_LENGTH [TRACKER...]
show TORRENT
"""
import json
import os
import signal
import sys
import time

import libtorrent as lt


def say(**fields):
    print(json.dumps(fields), flush=True)


# No slots, no pieces for choked peers, and as little as can be said should an optimistic slot be given all the same.
GIVES_NOTHING = {"unchoke_slots_limit": 0, "allowed_fast_set_size": 0, "upload_rate_limit": 1}


def run_lsd(*arguments):
    run(*arguments, lsd=True)


def run(source, data_dir, port, listen, upload_limit, *peers, lsd=False):
    gives_nothing = upload_limit == "nothing"
    session = lt.session({
        **(GIVES_NOTHING if gives_nothing else {}),
        "listen_interfaces": f"{listen}:{port}",
        "enable_dht": False,
        "enable_lsd": lsd,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "alert_mask": lt.alert.category_t.error_notification
        | lt.alert.category_t.status_notification
        | lt.alert.category_t.tracker_notification
        | lt.alert.category_t.connect_notification,
    })
    if source.startswith("magnet:"):
        params = lt.parse_magnet_uri(source)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(source)
    params.save_path = data_dir
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    handle = session.add_torrent(params)
    if gives_nothing:
        # By default peers of the local network are under no limit and need no slot.
        session.set_peer_class_filter(lt.ip_filter())
    elif int(upload_limit) > 0:
        handle.set_upload_limit(int(upload_limit))
    for peer in peers:
        address, _, peer_port = peer.rpartition(":")
        handle.connect_peer((address.strip("[]"), int(peer_port)))
    stopping = []
    signal.signal(signal.SIGINT, lambda *_: stopping.append(True))
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    told = None
    complete = False
    while not stopping:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            say(alert=type(alert).__name__, message=alert.message())
        status = handle.status()
        if status.errc.value() != 0:
            say(error=status.errc.message())
            sys.exit(1)
        now = (str(status.state), int(status.progress * 100), status.num_peers)
        if now != told:
            told = now
            say(state=now[0], percent=now[1], peers=now[2])
        if status.is_seeding and not complete:
            complete = True
            say(event="complete")
    session.pause()
    time.sleep(0.2)


def create(path, out, file_format, piece_length, *trackers):
    storage = lt.file_storage()
    lt.add_files(storage, path)
    flags = {"v1": lt.create_torrent.v1_only, "v2": lt.create_torrent.v2_only, "hybrid": 0}[file_format]
    torrent = lt.create_torrent(storage, int(piece_length), flags)
    for tier, tracker in enumerate(trackers):
        torrent.add_tracker(tracker, tier)
    lt.set_piece_hashes(torrent, os.path.dirname(os.path.abspath(path)))
    with open(out, "wb") as file:
        file.write(lt.bencode(torrent.generate()))


def show(path):
    info = lt.torrent_info(path)
    hashes = info.info_hashes()
    files = info.files()
    say(
        name=info.name(),
        infoHash=str(hashes.v1) if hashes.has_v1() else None,
        infoHashV2=str(hashes.v2) if hashes.has_v2() else None,
        pieceLength=info.piece_length(),
        pieceCount=info.num_pieces(),
        private=info.priv(),
        trackers=[tracker.url for tracker in info.trackers()],
        files=[
            {"path": files.file_path(i), "length": files.file_size(i)}
            for i in range(files.num_files())
            if not files.file_flags(i) & lt.file_flags_t.flag_pad_file
        ],
    )


if __name__ == "__main__":
    {"run": run, "run-lsd": run_lsd, "create": create, "show": show}[sys.argv[1]](*sys.argv[2:])
