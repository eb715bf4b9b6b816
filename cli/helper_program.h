#pragma once

// What berth's helper programs have in common.

namespace berth::cli {

/// The first SIGINT or SIGTERM from here on asks for an orderly end, so that nothing half-done stays; the second one
/// ends.
void catch_signals();

/// The signal that was caught, or 0.
[[nodiscard]] int caught_signal();
[[nodiscard]] bool cancelled();
/// As if the signal had come to us: a program that we waited for was ended by it.
void cancel(int signal);

/// As many open files as the host allows: a tree of many layers keeps a directory of each open.
void allow_many_files();

}  // namespace berth::cli
