#include "engine/leftovers.h"

#include <set>

#include "sys/file.h"

namespace berth::engine {

std::vector<std::string> sweep_state(const sys::Paths& paths) {
  for (const std::string& file : sys::list_dir(paths.networks()).value_or({})) {
    // Where that fails the next one tries again; nobody reads such a file.
    if (file.starts_with(".tmp-")) (void)sys::remove_tree(paths.networks() + "/" + file);
  }
  std::set<std::string> unrecorded;
  for (const std::string& parent : {paths.containers(), paths.live()}) {
    for (const std::string& id : sys::list_dir(parent).value_or({})) {
      if (!sys::exists(paths.container(id) + "/config.json")) unrecorded.insert(id);
    }
  }
  return {unrecorded.begin(), unrecorded.end()};
}

}  // namespace berth::engine
