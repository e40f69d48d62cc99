"""
A CL1, or its simulator, that sends spikes over the Lab Streaming Layer and stimulates on demand.

    python cl1_client.py --ticks 300 --channels 9 18 27 --folder recordings

Runs where the cl API is, beside pylsl; nothing else is needed.  Every tick it sends the spikes of
the tick, each as the number of its channel, and behind them -1, then -2, -3 and so on: all were
sent, and none got lost.  Then it waits until the stream has judged the tick, at most as long as a
tick lasts.  Every marker that comes meanwhile
stimulates; an empty one says that the tick was judged.
"""

import argparse
import json
import time

import cl
import pylsl

PATIENCE_S = 120.0


def parsed():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spikes", default="cl1 spikes", help="LSL stream to send")
    parser.add_argument("--markers", default="cl1 markers", help="LSL stream to listen to")
    parser.add_argument("--ticks", type=int, default=300, help="how many ticks")
    parser.add_argument("--rate", type=int, default=20, help="ticks per second: one bin each")
    parser.add_argument("--channels", type=int, nargs="+", default=[9], help="where to stimulate")
    parser.add_argument("--current", type=float, default=1.0, help="microamperes")
    parser.add_argument("--folder", default=".", help="where the recording goes")
    return parser.parse_args()


def connected(options):
    """Open the outlet of spikes and the inlet of markers, and wait for the other side."""
    about = pylsl.StreamInfo(options.spikes, "Spikes", 1, 0, "int32", options.spikes)
    outlet = pylsl.StreamOutlet(about)
    found = pylsl.resolve_byprop("name", options.markers, minimum=1, timeout=PATIENCE_S)
    if not found:
        raise SystemExit(f"Nobody sends markers '{options.markers}'. Start the stream.")
    inlet = pylsl.StreamInlet(found[0])
    inlet.open_stream(timeout=PATIENCE_S)
    if not outlet.wait_for_consumers(PATIENCE_S):
        raise SystemExit(f"Nobody listens to '{options.spikes}'. Start the stream.")
    return outlet, inlet


def send(outlet, number, spikes, until, seconds):
    """Send the spikes of a tick, and its number below 0: there are no more of them."""
    for spike in sorted(spikes, key=lambda item: item.timestamp):
        outlet.push_sample([spike.channel], seconds(spike.timestamp), pushthrough=False)
    outlet.push_sample([-number], seconds(until))


def answer(inlet, n_wanted, seconds):
    """Collect markers until so many ticks were judged, or time is over."""
    markers, n_judged, deadline = [], 0, time.perf_counter() + seconds
    while n_judged < n_wanted:
        left = deadline - time.perf_counter()
        sample, _ = inlet.pull_sample(timeout=max(left, 0.0))
        if sample is None:
            break
        if sample[0]:
            markers.append(sample[0])
        else:
            n_judged += 1
    return markers, n_judged


def main():
    """Run the loop, and print what happened as JSON."""
    options = parsed()
    outlet, inlet = connected(options)
    n_in_time = n_owed = 0
    stimulated, waited_ms, first = [], [], None
    channels = cl.ChannelSet(*options.channels)
    design = cl.StimDesign(160, -options.current, 160, options.current)
    with cl.open() as neurons:
        frames_per_s = neurons.get_frames_per_second()
        # LSL takes a time of 0 for "now": frames are counted from its own clock.
        zero_s = pylsl.local_clock() - neurons.timestamp() / frames_per_s

        def seconds(frame):
            return zero_s + frame / frames_per_s

        recording = neurons.record(file_location=options.folder, include_raw_samples=False)
        for tick in neurons.loop(ticks_per_second=options.rate, stop_after_ticks=options.ticks):
            found = tick.analysis
            if first is None:
                first = found.start_timestamp
                send(outlet, 1, [], first, seconds)
            send(outlet, tick.iteration + 2, found.spikes, found.stop_timestamp, seconds)
            begun = time.perf_counter()
            n_owed += 1
            markers, n_judged = answer(inlet, n_owed, 1.0 / options.rate)
            waited_ms.append(1e3 * (time.perf_counter() - begun))
            n_owed -= n_judged
            n_in_time += n_owed == 0
            # What is asked for with the last tick would come behind the end.
            if markers and tick.iteration < options.ticks - 1:
                neurons.stim(channels, design)
                stimulated.append(found.stop_timestamp - first)
        recording.stop()
    # Answers that are late are waited for: one that never comes was lost.
    n_owed -= answer(inlet, n_owed, PATIENCE_S)[1]
    told = {
        "ticks": options.ticks,
        "answered": options.ticks - n_owed,
        "in_time": n_in_time,
        "waited_ms": waited_ms,
        "stimulated": stimulated,
        "start": first - recording.start_timestamp,
        "frames_per_s": frames_per_s,
        "file": recording.file["path"],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
