#include "cli/container_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "base/text.h"

namespace berth::cli {
namespace {

constexpr const char* kHow[] = {"amber",  "brisk",  "calm",   "clever", "coral",  "crisp", "dapper", "deft",
                                "eager",  "fair",   "fleet",  "gentle", "golden", "happy", "hardy",  "humble",
                                "jolly",  "keen",   "lively", "lucky",  "mellow", "neat",  "nimble", "patient",
                                "plucky", "proud",  "quick",  "quiet",  "ready",  "rosy",  "sandy",  "silver",
                                "snug",   "steady", "sunny",  "swift",  "tidy",   "trim",  "warm",   "witty"};
constexpr const char* kWho[] = {"anchor",  "beacon",   "buoy",  "canoe",   "clipper", "coot",    "cutter",  "dinghy",
                                "dolphin", "dory",     "ferry", "galley",  "gannet",  "gull",    "halyard", "harbor",
                                "heron",   "jetty",    "kayak", "keel",    "ketch",   "mooring", "osprey",  "otter",
                                "paddle",  "pelican",  "pier",  "pilot",   "plover",  "puffin",  "quay",    "raft",
                                "rudder",  "schooner", "seal",  "skipper", "sloop",   "tern",    "tiller",  "yawl"};

}  // namespace

Status check_container_name(const std::string& name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  auto allowed = [&](char c) { return letter(c) || c == '_' || c == '.' || c == '-'; };
  if (name.size() > 1 && letter(name[0]) && std::all_of(name.begin(), name.end(), allowed)) return {};
  return make_error("invalid container name \"" + printable(name) + "\"",
                    "expected two or more of a-z, A-Z, 0-9, _ . -, beginning with a letter or a digit");
}

std::string random_container_name() {
  std::random_device random;
  auto any_of = [&](const auto& words) { return words[random() % std::size(words)]; };
  return fmt::format("{}_{}{}", any_of(kHow), any_of(kWho), random() % 90 + 10);
}

}  // namespace berth::cli
