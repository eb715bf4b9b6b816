#pragma once

// A project as `berth graph` draws it: plain values, independent of any format. Texts are as the files have them;
// whoever draws them makes them safe for its format (cli/graph/picture_text.h).

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "compose/model.h"

namespace berth::cli::graph {

/// That one service waits for another.
struct Need {
  size_t service = 0;  // index into StackGraph::services
  compose::Condition condition = compose::Condition::service_started;
  bool required = true;
  bool restart = false;   // an explicit restart of the other one restarts this one
  bool implicit = false;  // from links, volumes_from or a shared namespace
};

struct PublishedPort {
  std::string host;       // "8080", "127.0.0.1:8000-8010"; "" = any free one
  std::string container;  // "80/tcp"
};

struct Mount {
  compose::Mount::Type type = compose::Mount::Type::volume;
  std::string source;  // key of a named volume, "" = anonymous; else path or image
  std::string target;
  bool read_only = false;
};

struct Service {
  std::string name;
  std::string image;     // "" = only known by what it is built from
  std::string context;   // of its build; "" = it is not built
  std::string provider;  // type of the one that runs it; "" = it has containers
  int64_t replicas = 1;
  std::vector<Need> needs;        // in alphabetical order
  std::vector<size_t> needed_by;  // the other way around
  std::vector<PublishedPort> ports;
  std::vector<std::string> networks;  // keys
  std::string network_mode;           // instead of networks; "" = has none of its own
  std::vector<Mount> mounts;
};

struct Network {
  std::string key, name, driver;  // driver: "bridge" where none is written
  bool external = false, internal = false;
};

struct Volume {
  std::string key, name, driver;  // driver: "local" where none is written
  bool external = false;
};

struct StackGraph {
  std::string project;
  std::vector<Service> services;  // each after all that it needs
  std::vector<Network> networks;  // those that these services use, by key
  std::vector<Volume> volumes;
};

/// The enabled services of these names and what they need; no names = all. Errors: a name that is no service, or is not
/// enabled; services that wait for each other.
[[nodiscard]] Result<StackGraph> make_graph(const compose::Project& project, const std::vector<std::string>& names);

/// How a condition is said: "started", "healthy", "completed".
[[nodiscard]] const char* condition_word(compose::Condition condition);

/// Of what runs in it: the image, what it is built from, or the provider.
[[nodiscard]] std::string origin_of(const Service& service);

/// "8080 -> 80/tcp", with an arrow of the caller's.
[[nodiscard]] std::string port_text(const PublishedPort& port, const std::string& arrow);

/// The names of those that are in a network, or have a volume.
[[nodiscard]] std::vector<std::string> members_of(const StackGraph& graph, const Network& network);
[[nodiscard]] std::vector<std::string> users_of(const StackGraph& graph, const Volume& volume);

/// A line between a service and something that it uses: indices into the graph.
struct Link {
  size_t service = 0, resource = 0;
  std::string target;  // of a volume: where it is mounted
};
[[nodiscard]] std::vector<Link> network_links(const StackGraph& graph);
[[nodiscard]] std::vector<Link> volume_links(const StackGraph& graph);

/// What a box says of its service besides the name: origin, ports, network mode; a line each.
[[nodiscard]] std::vector<std::string> box_lines(const Service& service);
/// Its name, with the number of replicas where that is not one.
[[nodiscard]] std::string box_title(const Service& service);

/// What is written beside the arrow to what a service needs: "" where that only has to be started.
[[nodiscard]] std::string gate_text(const Need& need);

/// Whether the mount is of one of StackGraph::volumes.
[[nodiscard]] bool is_named_volume(const Mount& mount);

}  // namespace berth::cli::graph
